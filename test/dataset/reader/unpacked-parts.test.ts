import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
// Worker threads run built files, so the built package is what is tested here.
import { type BatchesOptions, type OpenDatasetOptions, openDataset } from '../../../dist/dataset/index.js';
import { localFileSystem } from '../../../src/files/index.js';
import { scratchFolder } from '../../files/scratch.js';
import { collect } from '../../support/collect.js';
import { exampleSchema, examples, writeDataset } from '../dataset-builders.js';
import { idsOf } from './stage-builders.js';

const PARTS = 3;
const RECORDS = 300;
const root = await scratchFolder();
let made = 0;

/** A folder of its own for what is unpacked, and what lies in it. */
async function spool(): Promise<{ folder: string; files(): Promise<string[]> }> {
  const folder = join(root, `unpacked-${made++}`);
  await mkdir(folder);
  const files = async (): Promise<string[]> => {
    const found = await readdir(folder, { withFileTypes: true, recursive: true });
    return found.filter((entry) => entry.isFile()).map(({ name }) => name);
  };
  return { folder, files };
}

async function write(name: string): Promise<string> {
  const parts = Array.from({ length: PARTS }, (_, i) => ({
    name: `part-${i}`,
    payloads: examples(i * RECORDS, (i + 1) * RECORDS),
    codec: 'gzip' as const,
  }));
  await writeDataset(localFileSystem(), join(root, name), { parts, index: true });
  return join(root, name);
}

let folder = '';
beforeAll(async () => {
  folder = await write('d');
});

const open = (unpack: OpenDatasetOptions['unpack'], uri = folder) =>
  openDataset(uri, { schema: exampleSchema, unpack });
const all = Array.from({ length: PARTS * RECORDS }, (_, i) => i);
const stored = (files: readonly { bytes: number }[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

test('gzip parts of one member are unpacked once, however many reads, ranks, epochs and threads there are', async () => {
  const { folder: room, files } = await spool();
  const dataset = await open({ folder: room });
  expect(await readdir(room)).toEqual([]);
  const ways: BatchesOptions[] = [{}, { shuffle: true }, { shuffle: true, threads: 2 }, { threads: 1, epoch: 1 }];
  for (let again = 0; again < 2; again++) {
    const reads = await Promise.all(ways.map((way) => collect(dataset.batches({ globalBatchSize: 60, ...way }))));
    for (const batches of reads) expect(batches.flatMap(idsOf).sort((a, b) => a - b)).toEqual(all);
  }
  expect(await files()).toHaveLength(PARTS);
  expect(dataset.stats().bytes).toBe(stored(dataset.files));
  await dataset.close();
  expect(await readdir(room)).toEqual([]);
});

test('a read that is given up leaves the others what it began', async () => {
  const { folder: room, files } = await spool();
  await using dataset = await open({ folder: room });
  const giveUp = new AbortController();
  const reads = [
    collect(dataset.batches({ shuffle: true, signal: giveUp.signal })),
    collect(dataset.batches({ shuffle: true, globalBatchSize: 60 })),
  ];
  setImmediate(() => giveUp.abort());
  const [, left] = await Promise.allSettled(reads);
  expect(left).toMatchObject({ status: 'fulfilled', value: { length: all.length / 60 } });
  expect(await files()).toHaveLength(PARTS);
});

test('more than they may take is an error that names the option', async () => {
  const { folder: room, files } = await spool();
  await using dataset = await open({ folder: room, bytes: 2000 });
  await expect(collect(dataset.batches())).rejects.toMatchObject({
    code: 'SHARDFEED_NO_SPACE',
    message: expect.stringMatching(/the limit of 2000 bytes: raise it \(unpack\.bytes\)/),
  });
  expect(await files()).toEqual([]);
  for (const unpack of [{ bytes: '1GB' }, { folder: 3 }, { dir: 'x' }, true]) {
    await expect(open(unpack as never)).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
  }
});

test('a part that changes once it is unpacked is noticed by the next read', async () => {
  const uri = await write('changing');
  await using dataset = await open(undefined, uri);
  await collect(dataset.batches());
  await appendFile(join(uri, 'part-1'), 'x');
  await expect(collect(dataset.batches())).rejects.toMatchObject({ code: 'SHARDFEED_CHANGED' });
});

test('a process that ends without closing leaves nothing', async () => {
  const { folder: room } = await spool();
  const script = `
    import { readdirSync } from 'node:fs';
    import { openDataset } from ${JSON.stringify(new URL('../../../dist/dataset/index.js', import.meta.url).href)};
    const dataset = await openDataset(${JSON.stringify(folder)}, { unpack: { folder: ${JSON.stringify(room)} } });
    for await (const batch of dataset.batches()) break;
    console.log(readdirSync(${JSON.stringify(room)}).length);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout).toBe('1\n');
  expect(await readdir(room)).toEqual([]);
});

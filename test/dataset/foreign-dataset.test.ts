import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type OpenDatasetOptions, openDataset } from '../../src/dataset/open-dataset.js';
import { localFileSystem, openFiles, type ReadOptions } from '../../src/files/index.js';
import { encodeExample, frameRecords, type Schema } from '../../src/records/index.js';
import { scratchFolder } from '../files/scratch.js';
import { countingFileSystem } from '../support/counting-file-system.js';
import { examples, failure, memory, readFile, writeDataset, writeFile } from './dataset-builders.js';

const scratch = await scratchFolder();

/** Local files whose mtime lies far enough back, and counts of what is read of them. */
async function settled(name: string) {
  const folder = join(scratch, name);
  const seen = countingFileSystem(localFileSystem());
  await writeDataset(localFileSystem(), folder, {
    parts: [
      { name: 'a', payloads: examples(0, 50) },
      { name: 'b.gz', payloads: examples(50, 90), codec: 'gzip', memberRecords: 7 },
      { name: 'c.gz', payloads: examples(90, 100), codec: 'gzip' },
    ],
  });
  const touch = async (part: string, at: Date): Promise<void> => utimes(join(folder, part), at, at);
  const past = new Date(Date.now() - 60_000);
  for (const part of ['a', 'b.gz', 'c.gz']) await touch(part, past);
  const files = openFiles({ drivers: { file: seen.fs } });
  const options: OpenDatasetOptions = { files, scanCache: join(scratch, `${name}-cache`) };
  return { folder, touch, counts: seen.counts, options };
}

async function idsOf(source: string, options: OpenDatasetOptions): Promise<unknown[]> {
  await using dataset = await openDataset(source, options);
  const ids: unknown[] = [];
  for (let i = 0; i < dataset.count; i++) ids.push((await dataset.get(i)).id);
  return ids;
}

const hundred = Array.from({ length: 100 }, (_, i) => i);

test('files are scanned once on a machine, and again when they change', async () => {
  const { folder, touch, counts, options } = await settled('once');
  const first = await openDataset(folder, options);
  expect(first.files.map(({ records, splittable, compression }) => [records, splittable, compression])).toEqual([
    [50, true, 'none'],
    [40, true, 'gzip'],
    [10, false, 'gzip'],
  ]);
  counts.reset();
  const second = await openDataset(folder, { ...options, schema: first.schema });
  expect(counts.opens).toBe(1); // of a manifest that is not there
  expect(counts.bytes).toBe(0);
  expect([second.fingerprint, second.files]).toEqual([first.fingerprint, first.files]);
  expect(await idsOf(folder, { ...options, schema: first.schema })).toEqual(hundred);
  counts.reset();
  await touch('a', new Date(Date.now() - 30_000));
  await openDataset(folder, { ...options, schema: first.schema });
  expect([...counts.files.keys()].map((path) => path.slice(folder.length + 1))).toEqual(['_manifest.json', 'a']);
});

test('a file written a moment ago is not kept, nor is one of a driver that does not say whose it is', async () => {
  const { folder, touch, counts, options } = await settled('young');
  await touch('a', new Date());
  const { schema } = await openDataset(folder, options);
  counts.reset();
  await openDataset(folder, { ...options, schema });
  expect([...counts.files.keys()].map((path) => path.slice(folder.length + 1))).toEqual(['_manifest.json', 'a']);
  // Two drivers that call themselves `mine` may lead to different files of one path.
  const local = countingFileSystem(localFileSystem());
  const mine = new Proxy(local.fs, { get: (fs, key) => (key === 'scheme' ? 'mine' : Reflect.get(fs, key)) });
  await touch('a', new Date(Date.now() - 60_000));
  for (let i = 0; i < 2; i++) {
    local.counts.reset();
    await openDataset(`mine://${folder}`, { ...options, schema, files: openFiles({ drivers: { mine } }) });
    expect(local.counts.files.has(join(folder, 'a'))).toBe(true);
  }
});

test('what a cache holds is never believed without its checksum', async () => {
  const { folder, counts, options } = await settled('torn');
  await openDataset(folder, options);
  const cache = localFileSystem();
  for await (const { path } of cache.list(join(scratch, 'torn-cache', 'index'))) {
    const bytes = await readFile(cache, path);
    bytes[30]! ^= 1;
    await writeFile(cache, path, bytes);
  }
  counts.reset();
  expect(await idsOf(folder, options)).toEqual(hundred);
  expect(counts.bytes).toBeGreaterThan(0);
  // Whatever is wrong with the folder costs a scan, no more.
  await writeFile(cache, join(scratch, 'file'), new Uint8Array(1));
  expect(await idsOf(folder, { ...options, scanCache: join(scratch, 'file') })).toEqual(hundred);
  expect(await idsOf(folder, { ...options, scanCache: false })).toEqual(hundred);
});

test('of several files the schema is told, and a contradiction names two', async () => {
  const { fs, files } = memory();
  const odd: Schema = { features: [{ name: 'id', kind: 'float', shape: [] }] };
  const more: Schema = { features: [{ name: 'extra', kind: 'float', shape: [2] }] };
  await writeDataset(fs, '/d', {
    parts: [
      { name: 'p0', payloads: [] },
      { name: 'p1', payloads: examples(0, 5) },
      { name: 'p2', payloads: examples(5, 9) },
      { name: 'p3', payloads: [encodeExample({ extra: [1, 2] }, more)] },
    ],
  });
  const { schema } = await openDataset('memory:///d', { files });
  expect(schema.features.map(({ name, kind, shape }) => [name, kind, shape])).toEqual([
    ['id', 'int64', []],
    ['word', 'bytes', []],
    ['extra', 'float', [2]],
  ]);
  await writeFile(fs, '/d/p4', frameRecords([encodeExample({ id: 0.5 }, odd)]));
  const error = await failure(openDataset('memory:///d', { files }), 'SHARDFEED_SCHEMA_MISMATCH');
  expect(error).toMatchObject({ column: 'id', path: 'memory:///d/p4' });
  expect(error.message).toContain('"id" holds int64 in memory:///d/p1 and float in memory:///d/p4');
  const given = await openDataset('memory:///d', { files, schema });
  expect(given.schema).toEqual(schema);
  const late = await failure(given.get(10), 'SHARDFEED_SCHEMA_MISMATCH');
  expect(late).toMatchObject({ column: 'id', path: 'memory:///d/p4', record: 0 });
  await writeFile(fs, '/e/p', frameRecords([examples(0, 1)[0]!, encodeExample({ id: 0.5 }, odd)]));
  const within = await failure(openDataset('memory:///e', { files }), 'SHARDFEED_SCHEMA_MISMATCH');
  expect(within).toMatchObject({ column: 'id', path: 'memory:///e/p' });
  await writeFile(fs, '/f/p', frameRecords([new TextEncoder().encode('no example')]));
  const garbage = await failure(openDataset('memory:///f', { files }), 'SHARDFEED_MALFORMED_EXAMPLE');
  expect(garbage.path).toBe('memory:///f/p');
});

test('a file that is written while the dataset is opened is not damaged: it changed', async () => {
  const { fs } = memory();
  await writeDataset(fs, '/d', { parts: [{ name: 'p', payloads: examples(0, 20) }] });
  const bytes = await readFile(fs, '/d/p');
  const writing = new Proxy(fs, {
    get: (target, key) => {
      const there: unknown = Reflect.get(target, key);
      if (key !== 'read') return typeof there === 'function' ? there.bind(target) : there;
      return async function* (path: string, options?: ReadOptions) {
        if (path === '/d/p') await writeFile(fs, '/d/p', bytes.slice(0, 100));
        yield* target.read(path, options);
      };
    },
  });
  const files = openFiles({ drivers: { memory: writing } });
  for (const policy of ['error', 'skip'] as const) {
    await writeFile(fs, '/d/p', bytes);
    await failure(openDataset('memory:///d', { files, policy }), 'SHARDFEED_CHANGED');
  }
});

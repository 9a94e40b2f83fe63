import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
// Worker threads run built files, so the built package is what is tested here.
import { type BatchesOptions, type Dataset, openDataset } from '../../../dist/dataset/index.js';
import { localFileSystem } from '../../../src/files/index.js';
import { collect } from '../../support/collect.js';
import { exampleSchema, examples, startsOf, writeDataset } from '../dataset-builders.js';
import { idsOf, objectsOf } from './stage-builders.js';

let root = '';
let dataset: Dataset;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'shardfeed-threads-'));
  const part = (i: number) => ({ name: `part-${i}`, payloads: examples(700 * i, 700 * i + 700) });
  const parts = [part(0), part(1), { ...part(2), codec: 'gzip' as const }];
  await writeDataset(localFileSystem(), join(root, 'd'), { parts, index: true });
  dataset = await openDataset(join(root, 'd'), { schema: exampleSchema });
});
afterAll(async () => {
  await dataset.close();
  await rm(root, { recursive: true, force: true });
});

const orders: BatchesOptions[] = [
  {},
  { shuffle: { window: 300, block: 10 } },
  { shuffle: 'global', rank: 1, worldSize: 3 },
];

test.each(orders)('the batches of %j do not depend on threads and prefetching', async (order) => {
  const options = { globalBatchSize: 48, seed: 2, ...order };
  const ways = [
    { threads: 0 },
    { threads: 0, prefetchBytes: 1 },
    { threads: 1 },
    { threads: 2, prefetchBytes: 1 },
    { threads: 3 },
  ];
  const [here, ...there] = await Promise.all(ways.map((way) => collect(dataset.batches({ ...options, ...way }))));
  expect(here!.length).toBe(Math.ceil(2100 / 48));
  for (const batches of there) {
    expect(objectsOf(batches)).toEqual(objectsOf(here!));
    expect(batches.map(({ mask, position }) => [[...mask], position])).toEqual(
      here!.map(({ mask, position }) => [[...mask], position]),
    );
  }
});

test('losses and errors come where they come without threads', async () => {
  const folder = join(root, 'damaged');
  const payloads = examples(0, 200);
  const fs = localFileSystem();
  await writeDataset(fs, folder, { parts: [{ name: 'part-0', payloads }], index: true });
  const { readFile, writeFile } = await import('node:fs/promises');
  const bytes = await readFile(join(folder, 'part-0'));
  for (const record of [33, 120]) bytes[startsOf(payloads)[record]! + 14]! ^= 1;
  await writeFile(join(folder, 'part-0'), bytes);
  const read = async (threads: number, policy: 'skip' | 'error' | { skip: number }): Promise<unknown[]> => {
    const seen: unknown[] = [];
    await using opened = await openDataset(folder, { schema: exampleSchema, policy });
    const onLoss = (loss: unknown): void => void seen.push(loss);
    try {
      for await (const batch of opened.batches({ globalBatchSize: 10, threads, onLoss })) seen.push(idsOf(batch));
    } catch (error) {
      const { code, record, offset, message } = error as Record<string, unknown>;
      seen.push({ code, record, offset, message });
    }
    return seen;
  };
  for (const policy of ['skip', 'error', { skip: 1 }] as const) {
    expect(await read(2, policy)).toEqual(await read(0, policy));
  }
});

test('break, an error and an abort end the threads, so that the process ends by itself', async () => {
  const script = `
    import { openDataset } from ${JSON.stringify(new URL('../../../dist/dataset/index.js', import.meta.url).href)};
    const dataset = await openDataset(${JSON.stringify(join(root, 'd'))});
    const options = { globalBatchSize: 32, threads: 2, shuffle: true };
    for await (const batch of dataset.batches(options)) break;
    await (async () => { for await (const batch of dataset.batches(options)) throw new Error('mine'); })().catch((e) => console.log(e.message));
    const controller = new AbortController();
    await (async () => {
      for await (const batch of dataset.batches({ ...options, signal: controller.signal })) controller.abort();
    })().catch((e) => console.log(e.code));
    const left = dataset.batches(options)[Symbol.asyncIterator]();
    await left.next();
    console.log(process.getActiveResourcesInfo().filter((name) => name === 'FSReqPromise').length);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 30_000,
  });
  expect(stdout).toBe('mine\nSHARDFEED_ABORTED\n0\n');
});

/** Threads that were started during a test, and those of them that have ended. */
let started: Worker[] = [];
let ended: Worker[] = [];
const onWorker = (worker: Worker): void => {
  started.push(worker);
  worker.once('exit', () => ended.push(worker));
};
beforeEach(() => {
  started = [];
  ended = [];
  process.on('worker', onWorker);
});
afterEach(() => {
  process.off('worker', onWorker);
  vi.useRealTimers();
});

const small = { globalBatchSize: 48, prefetchBytes: 1 };

test('threads are kept from one epoch to the next, each serves one read at a time, and close ends them', async () => {
  const opened = await openDataset(join(root, 'd'), { schema: exampleSchema });
  const expected = (await collect(opened.batches(small))).map(idsOf);
  for (let epoch = 0; epoch < 3; epoch++) {
    expect((await collect(opened.batches({ ...small, threads: 2 }))).map(idsOf)).toEqual(expected);
  }
  for await (const _ of opened.batches({ ...small, threads: 2 })) break;
  expect(started.length).toBe(2);
  const both = await Promise.all([1, 2].map(() => collect(opened.batches({ ...small, threads: 2 }))));
  for (const batches of both) expect(batches.map(idsOf)).toEqual(expected);
  expect(started.length).toBe(4);
  expect(ended).toEqual([]);
  await opened.close();
  expect(ended.length).toBe(4);
});

test('close ends the threads of a read that is not gone on with, too', async () => {
  const opened = await openDataset(join(root, 'd'), { schema: exampleSchema });
  const paused = opened.batches({ ...small, threads: 2 })[Symbol.asyncIterator]();
  await paused.next();
  await opened.close();
  expect(ended.length).toBe(2);
  await expect(paused.next()).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
});

test('a thread that dies is an error of the read, and the next read has another one', async () => {
  await using opened = await openDataset(join(root, 'd'), { schema: exampleSchema });
  // Of several stages the thread has one to the end.
  const options: BatchesOptions = { ...small, threads: 1, shuffle: { window: 300, block: 10 } };
  const expected = (await collect(opened.batches(options))).map(idsOf);
  const read = async (): Promise<void> => {
    for await (const _ of opened.batches(options)) await started[0]!.terminate();
  };
  await expect(read()).rejects.toMatchObject({ code: 'SHARDFEED_IO', message: /a reading thread ended with code 1/ });
  expect((await collect(opened.batches(options))).map(idsOf)).toEqual(expected);
  expect(started.length).toBe(2);
  await started[1]!.terminate(); // while nobody reads
  expect((await collect(opened.batches(options))).map(idsOf)).toEqual(expected);
  expect(started.length).toBe(3);
});

test('threads that have nothing to do for long are ended, and others are started when they are wanted', async () => {
  await using opened = await openDataset(join(root, 'd'), { schema: exampleSchema });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const first = await collect(opened.batches({ ...small, threads: 2 }));
  const exits = started.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(60_000);
  await Promise.all(exits);
  vi.useRealTimers();
  expect((await collect(opened.batches({ ...small, threads: 2 }))).map(idsOf)).toEqual(first.map(idsOf));
  expect(started.length).toBe(4);
});

test('file systems of the caller cannot go to a thread', async () => {
  const { openFiles } = await import('../../../dist/files/index.js');
  await using opened = await openDataset(join(root, 'd'), { schema: exampleSchema, files: openFiles() });
  expect(() => opened.batches({ threads: 1 })).toThrow(/threads: 0/);
  expect(() => dataset.batches({ threads: -1 })).toThrow(/threads is -1/);
});

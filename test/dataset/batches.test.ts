import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Dataset, openDataset } from '../../src/dataset/open-dataset.js';
import type { Position } from '../../src/dataset/position.js';
import { readBatches } from '../../src/dataset/read-batches.js';
import type { BatchesOptions } from '../../src/dataset/read-epoch.js';
import { localFileSystem, memoryFileSystem, openFiles } from '../../src/files/index.js';
import { type Batch, encodeExample, type Loss } from '../../src/records/index.js';
import { collect } from '../support/collect.js';
import { exampleSchema, examples, failure, type PartSpec, startsOf, writeDataset } from './dataset-builders.js';
import { idsOf, objectsOf } from './reader/stage-builders.js';

const COUNTS = [300, 0, 1, 700, 411];
const RECORDS = COUNTS.reduce((a, b) => a + b, 0);
const ALL = Array.from({ length: RECORDS }, (_, i) => i);
let root = '';
let dataset: Dataset;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'shardfeed-batches-'));
  await writeDataset(localFileSystem(), join(root, 'd'), {
    parts: COUNTS.map((count, i) => {
      const first = COUNTS.slice(0, i).reduce((a, b) => a + b, 0);
      return { name: `part-r-0000${i}`, payloads: examples(first, first + count) };
    }),
    index: true,
    manifest: { schema: exampleSchema },
  });
  dataset = await openDataset(join(root, 'd'));
});
afterAll(async () => {
  await dataset.close();
  await rm(root, { recursive: true, force: true });
});

/** The ids of each step, over all ranks. */
async function steps(options: BatchesOptions & { worldSize: number }): Promise<number[][]> {
  const ranks = await Promise.all(
    Array.from({ length: options.worldSize }, (_, rank) =>
      collect(dataset.batches({ ...options, rank, int64: 'number' })),
    ),
  );
  expect(new Set(ranks.map(({ length }) => length)).size).toBe(1);
  return ranks[0]!.map((_, step) => ranks.flatMap((batches) => idsOf(batches[step]!)));
}

test('without a shuffle they are what readBatches gives', async () => {
  const batches = await collect(dataset.batches({ globalBatchSize: 128 }));
  const rows = await collect(readBatches(join(root, 'd'), { batchSize: 128 }));
  expect(batches.map(({ size }) => size)).toEqual(new Array<number>(12).fill(128));
  expect(objectsOf(batches).slice(0, RECORDS)).toEqual(objectsOf(rows));
  expect(batches.flatMap(idsOf)).toEqual([...ALL, ...new Array<number>(12 * 128 - RECORDS).fill(-1)]);
});

test('every record comes once, in an order that no number of workers changes, also behind any position', async () => {
  const options = fc.record({
    globalBatchSize: fc.constantFrom(12, 24, 60),
    shuffle: fc.constantFrom(false, true, 'global' as const, { window: 200, block: 8 }),
    seed: fc.nat(5),
    epoch: fc.nat(3),
  });
  const worlds = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
  await fc.assert(
    fc.asyncProperty(options, worlds, fc.nat(1000), async (given, [before, after], at) => {
      const whole = await steps({ ...given, worldSize: before });
      expect(
        whole
          .flat()
          .filter((id) => id >= 0)
          .sort((a, b) => a - b),
      ).toEqual(ALL);
      const seen: Position[] = [];
      const stop = at % whole.length;
      for await (const { position } of dataset.batches({ ...given, worldSize: before, rank: before - 1 })) {
        seen.push(JSON.parse(JSON.stringify(position)) as Position);
        if (seen.length > stop) break;
      }
      const { seed: _, epoch: __, ...rest } = given;
      expect(await steps({ ...rest, worldSize: after, position: seen[stop]! })).toEqual(whole.slice(stop + 1));
    }),
    { numRuns: 25, seed: 3 },
  );
});

test('a stream goes on from a position, and repeats with another order each time', async () => {
  const stream = dataset.batches({ globalBatchSize: 100, shuffle: true, seed: 4 });
  const batches = await collect(stream);
  expect((await collect(stream.from(batches[4]!.position))).map(idsOf)).toEqual(batches.slice(5).map(idsOf));
  const twice = await collect(stream.repeat(2));
  expect(twice.slice(0, batches.length).map(idsOf)).toEqual(batches.map(idsOf));
  const second = twice.slice(batches.length).flatMap(idsOf);
  expect(second).not.toEqual(batches.flatMap(idsOf));
  expect(second.filter((id) => id >= 0).sort((a, b) => a - b)).toEqual(ALL);
});

test('wrong options are refused before anything is read', () => {
  expect(() => dataset.batches({ columns: ['none'] })).toThrow(/there is no feature "none"/);
  expect(() => dataset.batches({ rank: 1 })).toThrow(/rank is 1/);
  expect(() => dataset.batches({ position: {} })).toThrow(/no position/);
});

test('what is lost is counted in positions, told, and keeps its row', async () => {
  const folder = join(root, 'damaged');
  const payloads = examples(0, 100);
  await writeDataset(localFileSystem(), folder, { parts: [{ name: 'part-0', payloads }], index: true });
  const bytes = await readFile(join(folder, 'part-0'));
  for (const record of [13, 57]) bytes[startsOf(payloads)[record]! + 14]! ^= 1;
  await writeFile(join(folder, 'part-0'), bytes);
  await using damaged = await openDataset(folder, { policy: 'skip', schema: exampleSchema });
  const losses: Loss[] = [];
  const batches = await collect(damaged.batches({ globalBatchSize: 40, onLoss: (loss) => losses.push(loss) }));
  expect(batches.map(({ position }) => position.lost)).toEqual([1, 2, 2]);
  expect(losses.map(({ record }) => record)).toEqual([13, 57]);
  const expected = payloads.map((_, i) => ([13, 57].includes(i) ? -1 : i));
  expect(batches.flatMap(idsOf)).toEqual([...expected, ...new Array<number>(20).fill(-1)]);
  const again = await collect(damaged.batches({ globalBatchSize: 40, position: batches[0]!.position }));
  expect(again.map(({ position }) => position.lost)).toEqual([2, 2]);
  await using strict = await openDataset(folder, { schema: exampleSchema });
  await failure(collect(strict.batches({ globalBatchSize: 40 })), 'SHARDFEED_CORRUPT_RECORD');
});

test('batches can be borrowed', async () => {
  const seen: number[][] = [];
  for await (const batch of dataset.batches({ globalBatchSize: 128, reuse: true })) seen.push(idsOf(batch as Batch));
  expect(seen.flat().slice(0, RECORDS)).toEqual(ALL);
});

test('what reading did is counted', async () => {
  await using counted = await openDataset(join(root, 'd'));
  await collect(counted.batches({ globalBatchSize: 100 }));
  const { records, bytes, requests, waitMs, decodeMs, starvedMs } = counted.stats();
  expect(records).toBe(RECORDS);
  expect(bytes).toBe(counted.files.reduce((sum, file) => sum + file.bytes, 0));
  expect(requests).toBeGreaterThanOrEqual(4);
  for (const ms of [waitMs, decodeMs, starvedMs]) expect(ms).toBeGreaterThan(0);
});

const codecs: [string, Partial<PartSpec>, boolean][] = [
  ['gzip', { codec: 'gzip' }, false],
  ['zlib with an index', { codec: 'zlib' }, true],
  ['gzip in members', { codec: 'gzip', memberRecords: 50 }, true],
];

test.each(codecs)('%s is read in any order too', async (name, spec, index) => {
  for (const fs of [localFileSystem(), memoryFileSystem()]) {
    const folder = join(root, name.replaceAll(' ', '-'));
    const part = (i: number): PartSpec => ({ name: `part-${i}`, payloads: examples(200 * i, 200 * i + 200), ...spec });
    await writeDataset(fs, folder, { parts: [part(0), part(1), part(2)], index });
    const files = openFiles({ drivers: { [fs.scheme]: fs } });
    await using opened = await openDataset(`${fs.scheme}://${folder}`, {
      schema: exampleSchema,
      files,
      scanCache: false,
    });
    for (const shuffle of [false, true, 'global' as const]) {
      const ids = (await collect(opened.batches({ globalBatchSize: 60, shuffle }))).flatMap(idsOf);
      expect(ids.sort((a, b) => a - b)).toEqual(ALL.slice(0, 600));
    }
  }
});

test.each(codecs)('of damaged %s the same is lost as readBatches loses', async (name, spec, index) => {
  const folder = join(root, `damaged-${name.replaceAll(' ', '-')}`);
  const payloads = examples(0, 400);
  await writeDataset(localFileSystem(), folder, { parts: [{ name: 'part-0', payloads, ...spec }], index });
  const bytes = await readFile(join(folder, 'part-0'));
  bytes.fill(0x5a, Math.floor(bytes.length * 0.4), Math.floor(bytes.length * 0.4) + 30);
  await writeFile(join(folder, 'part-0'), bytes);
  const schema = exampleSchema;
  await using opened = await openDataset(folder, { policy: 'skip', schema, scanCache: false });
  const ids = (await collect(opened.batches({ globalBatchSize: 20 }))).flatMap(idsOf);
  const rows = await collect(readBatches(folder, { policy: 'skip', schema }));
  expect(ids.slice(0, opened.count)).toEqual(rows.flatMap(idsOf));
  expect(ids.filter((id) => id < 0).length).toBeGreaterThan(0);
  const order = (await collect(opened.batches({ globalBatchSize: 20, shuffle: true }))).flatMap(idsOf);
  expect(order.sort((a, b) => a - b)).toEqual(ids.sort((a, b) => a - b));
  if (index) {
    await using strict = await openDataset(folder, { schema, scanCache: false });
    await failure(collect(strict.batches({ globalBatchSize: 20 })), 'SHARDFEED_CORRUPT_STREAM');
  }
});

test('diagnostics channels tell of ranges and batches', async () => {
  const seen: { read: unknown[]; batch: unknown[] } = { read: [], batch: [] };
  const hear = (message: unknown, name: string | symbol): void => {
    (name === 'shardfeed:read' ? seen.read : seen.batch).push(message);
  };
  for (const name of ['shardfeed:read', 'shardfeed:batch']) subscribe(name, hear);
  await collect(dataset.batches({ globalBatchSize: 500 }));
  for (const name of ['shardfeed:read', 'shardfeed:batch']) unsubscribe(name, hear);
  expect(seen.batch).toMatchObject([0, 1, 2].map((step) => ({ rank: 0, step, rows: 500 })));
  const bytes = (seen.read as { bytes: number }[]).reduce((sum, read) => sum + read.bytes, 0);
  expect(bytes).toBeGreaterThanOrEqual(dataset.files.reduce((sum, file) => sum + file.bytes, 0));
});

test('a consumer that pauses holds no more than prefetchBytes and a little', async () => {
  const folder = join(root, 'large');
  const payloads = Array.from({ length: 400 }, (_, id) =>
    encodeExample({ id, word: 'x'.repeat(250_000) }, exampleSchema),
  );
  await writeDataset(localFileSystem(), folder, { parts: [{ name: 'part-0', payloads }], index: true });
  // A process of its own, with the built package: nothing else moves its memory.
  const script = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { openDataset } from ${JSON.stringify(new URL('../../dist/dataset/index.js', import.meta.url).href)};
    const dataset = await openDataset(${JSON.stringify(folder)});
    const options = { globalBatchSize: 4, threads: Number(process.argv[1]) };
    let batches = 0;
    // Threads that start take memory of their own.
    for await (const batch of dataset.batches({ ...options, prefetchBytes: 1 })) if (++batches === 40) break;
    const read = dataset.batches({ ...options, prefetchBytes: 8 << 20 })[Symbol.asyncIterator]();
    await read.next();
    const before = process.memoryUsage.rss();
    await sleep(1500);
    console.log(process.memoryUsage.rss() - before);
    await read.return();
  `;
  for (const threads of ['0', '2']) {
    const args = ['--input-type=module', '-e', script, threads];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
    expect(Number(stdout)).toBeLessThan((8 + 32) << 20);
  }
});

test('a permutation of all records that reads far more than twice the bytes is refused, unless that is accepted or cached', async () => {
  const folder = join(root, 'many');
  // Small records in more bytes than a stage holds.
  const records = 600_000;
  const record = encodeExample({ id: 1 });
  await writeDataset(localFileSystem(), folder, {
    parts: [{ name: 'part-r-00000', payloads: new Array(records).fill(record) }],
    index: true,
    manifest: { schema: { features: [{ name: 'id', kind: 'int64', shape: [] }] } },
  });
  const many = await openDataset(folder);
  expect(many.plan({ shuffle: 'global' }).amplification).toBeGreaterThan(2);
  expect(() => many.batches({ shuffle: 'global' })).toThrow(/\d\.\d x the bytes.*allowAmplification: true/);
  expect(() => many.batches({ shuffle: 'global', allowAmplification: true })).not.toThrow();
  const cached = await openDataset(folder, { cache: { bytes: 64 << 20 } });
  expect(() => cached.batches({ shuffle: 'global' })).not.toThrow();
  expect(() => dataset.batches({ shuffle: 'global' })).not.toThrow();
});

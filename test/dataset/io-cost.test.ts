import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { convert } from '../../src/convert/index.js';
import { type EpochOptions, openDataset } from '../../src/dataset/index.js';
import { type FileSystem, localFileSystem, openFiles } from '../../src/files/index.js';
import { scratchFolder } from '../files/scratch.js';
import { countingFileSystem } from '../support/counting-file-system.js';

const RECORDS = 40_000;
const PARTS = 4;
const folder = join(await scratchFolder(), 'data');
await mkdir(folder);
const input = Array.from({ length: RECORDS }, (_, id) => ({ id, text: 'x'.repeat(80) }));
await convert({ input, output: join(folder, 'dataset'), partitions: PARTS });

/** What one rank's epoch asks of the part files: opens, requests and bytes. */
async function costOf(
  options: EpochOptions,
  scheme: 'file' | 'far' = 'file',
): Promise<{ opens: number; requests: number; bytes: number; rows: number; ids: readonly number[] }> {
  const { fs, counts } = countingFileSystem(localFileSystem());
  const get = (target: FileSystem, key: string | symbol): unknown =>
    key === 'scheme' ? scheme : Reflect.get(target, key);
  const files = openFiles({ drivers: { [scheme]: () => new Proxy(fs, { get }) } });
  const dataset = await openDataset(`${scheme}://${join(folder, 'dataset')}`, { files });
  counts.reset();
  let rows = 0;
  const ids: number[] = [];
  for await (const { mask, columns } of dataset.batches({ globalBatchSize: 1024, tail: 'drop', ...options })) {
    for (const counted of mask) rows += counted;
    const { values } = columns.id as { values: ArrayLike<number | bigint> };
    ids.push(...Array.from(values, Number));
  }
  await dataset.close();
  const parts = [...counts.files].filter(([path]) => !path.includes('_index'));
  return {
    rows,
    ids,
    opens: parts.reduce((n, [, { opens }]) => n + opens, 0),
    bytes: parts.reduce((n, [, { bytes }]) => n + bytes, 0),
    requests: counts.reads.filter(({ path, bytes }) => bytes > 0 && !path.includes('_index')).length,
  };
}

const dataset = await openDataset(join(folder, 'dataset'));
const stored = dataset.files.reduce((n, { bytes }) => n + bytes, 0);

describe('what an epoch costs', () => {
  test('unshuffled on one rank: every byte once, each file opened once', async () => {
    const cost = await costOf({ tail: 'pad' });
    expect(cost.rows).toBe(RECORDS);
    expect(cost.opens).toBe(PARTS);
    // Padding comes from the start again.
    expect(cost.bytes).toBeLessThanOrEqual(stored * 1.03);
    expect(cost.requests).toBeLessThanOrEqual(Math.ceil(stored / (1 << 20)) + 3 * PARTS);
  });

  for (const worldSize of [1, 3, 4, 16]) {
    test(`in windows on ${worldSize} ranks: at most 1 + M/L times the bytes, in as many ranges as planned`, async () => {
      const lanes = 16;
      const options = { worldSize, lanes, shuffle: { window: 8192, block: 64 }, seed: 3 };
      const plan = dataset.plan({ ...options, globalBatchSize: 1024, tail: 'drop' });
      let bytes = 0;
      let rows = 0;
      for (let rank = 0; rank < worldSize; rank++) {
        const cost = await costOf({ ...options, rank });
        expect(cost.rows).toBe(plan.ranks[rank]!.records);
        // What lies between two near blocks may be read over.
        expect(cost.requests).toBeLessThanOrEqual(plan.ranks[rank]!.ranges + plan.steps);
        bytes += cost.bytes;
        rows += cost.rows;
      }
      const share = (stored * rows) / RECORDS;
      expect(bytes / share).toBeLessThanOrEqual((1 + worldSize / lanes) * 1.02);
      expect(bytes / share).toBeLessThanOrEqual(plan.amplification * 1.1);
    });
  }

  test('from afar in windows: the same rows and bytes in half the requests, as ranges that touch are read at once', async () => {
    const options = { lanes: 16, shuffle: { window: 8192, block: 64 }, seed: 3 };
    const near = await costOf(options);
    const far = await costOf(options, 'far');
    expect(far.ids).toEqual(near.ids);
    expect(far.bytes).toBeLessThanOrEqual(1.02 * near.bytes);
    expect(far.requests).toBeLessThan(near.requests / 2);
    expect(far.opens).toBe(PARTS);
  });

  test('unshuffled on several ranks: no rank reads more than twice its share', async () => {
    const worldSize = 4;
    for (let rank = 0; rank < worldSize; rank++) {
      const { bytes, rows } = await costOf({ worldSize, rank });
      expect(bytes).toBeLessThanOrEqual((2 * stored * rows) / RECORDS);
    }
  });

  test('a projection of columns reads no more, and a resumed epoch only what is left', async () => {
    const options = { shuffle: { window: 8192, block: 64 }, lanes: 16, globalBatchSize: 1024 };
    const batches = dataset.batches(options)[Symbol.asyncIterator]();
    for (let step = 0; step < 31; step++) await batches.next();
    const { value } = await batches.next();
    await batches.return?.(undefined);
    const position = JSON.parse(JSON.stringify(value!.position));
    expect(position.consumed).toBe(32 * 1024);
    const rest = await costOf({ position, tail: 'pad' });
    expect(rest.rows).toBe(RECORDS - 32 * 1024);
    expect(rest.bytes).toBeLessThan(0.35 * stored);
  });
});

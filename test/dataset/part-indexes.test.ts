import { expect, test } from 'vitest';
import { ByteLru } from '../../src/dataset/byte-lru.js';
import { openCatalog } from '../../src/dataset/open-catalog.js';
import { keptIndexes, PartIndexes } from '../../src/dataset/part-indexes.js';
import { encodeIndex } from '../../src/dataset/record-index.js';
import { openFiles } from '../../src/files/index.js';
import { countingFileSystem } from '../support/counting-file-system.js';
import { exampleSchema, examples, failure, memory, startsOf, writeDataset, writeFile } from './dataset-builders.js';

const parts = Array.from({ length: 4 }, (_, i) => ({ name: `p${i}`, payloads: examples(10 * i, 10 * i + 10) }));
const options = { schema: exampleSchema };

async function opened({ index = true, manifest = true } = {}) {
  const { fs } = memory();
  await writeDataset(fs, '/d', { parts, index, manifest });
  const seen = countingFileSystem(fs);
  const files = openFiles({ drivers: { memory: seen.fs } });
  const catalog = await openCatalog('memory:///d', { ...options, files });
  seen.counts.reset();
  return { fs, catalog, counts: seen.counts };
}

test('an index is loaded once, however many want it', async () => {
  const { catalog, counts } = await opened();
  const indexes = new PartIndexes(catalog, { strict: true });
  const all = await Promise.all([1, 1, 2, 1, 2].map((part) => indexes.get(part)));
  expect(counts.opens).toBe(2);
  expect(all[0]).toBe(all[3]);
  expect(await indexes.get(1)).toBe(all[0]);
  const starts = startsOf(parts[1]!.payloads);
  expect(starts.map((_, i) => all[0]!.offsetOf(i))).toEqual(starts);
});

test('what is used least goes first where there is no room', async () => {
  const { catalog, counts } = await opened();
  const room = new ByteLru<number, Awaited<ReturnType<PartIndexes['get']>>>(2, () => 1);
  const indexes = new PartIndexes(catalog, { strict: true, kept: room });
  for (const part of [0, 1, 0, 2, 0, 1]) await indexes.get(part);
  expect([...counts.files].map(([path, { opens }]) => [path.slice(-6), opens])).toEqual([
    ['p0.idx', 1],
    ['p1.idx', 2],
    ['p2.idx', 1],
  ]);
  expect(room.bytes).toBe(2);
  const none = new PartIndexes(catalog, { strict: true, kept: keptIndexes(0) });
  expect((await none.get(3)).count).toBe(10);
});

test('who gives up does not take it from others', async () => {
  const { catalog, counts } = await opened();
  const indexes = new PartIndexes(catalog, { strict: true });
  const leaving = new AbortController();
  const [gone, stays] = [indexes.get(0, { signal: leaving.signal }), indexes.get(0)];
  leaving.abort();
  await failure(gone, 'SHARDFEED_ABORTED');
  expect((await stays).count).toBe(10);
  expect(counts.opens).toBe(1);
  await failure(indexes.get(1, { signal: AbortSignal.abort() }), 'SHARDFEED_ABORTED');
  const closed = indexes.get(2);
  indexes.close();
  indexes.close();
  await failure(closed, 'SHARDFEED_ABORTED');
  await failure(indexes.get(2), 'SHARDFEED_ABORTED');
});

test('a load that failed is tried again', async () => {
  const { fs, catalog } = await opened();
  const indexes = new PartIndexes(catalog, { strict: true });
  await fs.rename('/d/p0', '/d/_p0');
  await fs.rename('/d/_index/p0.idx', '/d/_index/aside');
  await failure(indexes.get(0), 'SHARDFEED_NOT_FOUND');
  await fs.rename('/d/_p0', '/d/p0');
  expect((await indexes.get(0)).count).toBe(10);
});

test.each([
  { manifest: true, index: true },
  { manifest: true, index: false },
  { manifest: false, index: true },
  { manifest: false, index: false },
])('a part that was replaced since the dataset was opened has changed (%o)', async ({ manifest, index }) => {
  const { fs, catalog } = await opened({ manifest, index });
  for (const name of ['p0', '_index/p0.idx']) await fs.delete(`/d/${name}`);
  await writeDataset(fs, '/d', { parts: [{ name: 'p0', payloads: examples(50, 60) }], index });
  const indexes = new PartIndexes(catalog, { strict: true });
  await failure(indexes.get(0), 'SHARDFEED_CHANGED');
});

test('an index or manifest that tells of other records is stale', async () => {
  const { fs, catalog } = await opened({ index: false });
  const digest = '0'.repeat(64);
  const [first, ...rest] = catalog.parts;
  const lying = { parts: [{ ...first!, digest, listed: { ...first!.listed!, digest } }, ...rest] };
  await failure(new PartIndexes(lying, { strict: true }).get(0), 'SHARDFEED_STALE');
  const lengths = Uint32Array.from(parts[1]!.payloads, ({ length }) => length);
  const { bytes, compression } = catalog.parts[1]!;
  await writeFile(fs, '/d/_index/p1.idx', encodeIndex({ lengths, bytes, digest, compression }));
  await failure(new PartIndexes(catalog, { strict: true }).get(1), 'SHARDFEED_STALE');
});

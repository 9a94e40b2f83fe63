import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Dataset, openDataset } from '../../../src/dataset/index.js';
import { openFiles } from '../../../src/files/index.js';
import { exampleSchema, examples, failure, writeDataset } from '../../dataset/dataset-builders.js';
import { testCluster } from '../support/cluster.js';
import { openProxied } from '../support/file-systems.js';

const FOLDER = '/cache/data';
const PARTS = [0, 1, 2].map((i) => ({ name: `part-${i}`, payloads: examples(400 * i, 400 * (i + 1)) }));

const scratch = await mkdtemp(join(tmpdir(), 'shardfeed-hdfs-cache-'));
const cluster = await testCluster('plain');
const proxied = await openProxied(cluster);
const { fs, proxy } = proxied;
const files = openFiles({ drivers: { webhdfs: fs } });
afterAll(async () => {
  await fs.delete('/cache');
  await proxied[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

/** Files that were just written may change again without another mtime, so they are not kept. */
async function settle(year: number): Promise<void> {
  const paths = PARTS.map(({ name }) => `${FOLDER}/${name}`);
  await cluster.tool('dfs', ['-touch', '-m', '-t', `${year}0101:000000`, ...paths]);
}

const open = (folder?: string): Promise<Dataset> =>
  openDataset(`webhdfs://${FOLDER}`, {
    files,
    schema: exampleSchema,
    scanCache: join(scratch, 'scans'),
    cache: { bytes: 1 << 26, pageBytes: 1 << 12, ...(folder === undefined ? {} : { folder: join(scratch, folder) }) },
  });

/** The ids of an epoch, and how often a DataNode was asked meanwhile. */
async function epochOf(dataset: Dataset, epoch: number): Promise<{ ids: number[]; requests: number }> {
  const before = proxy.exchanges.length;
  const ids: number[] = [];
  for await (const { columns, mask } of dataset.batches({ globalBatchSize: 64, shuffle: true, epoch })) {
    const { values } = columns.id as { values: Float64Array };
    ids.push(...values.filter((_, row) => mask[row] === 1));
  }
  return { ids, requests: proxy.exchanges.slice(before).filter(({ role }) => role === 'data').length };
}

const sorted = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b);
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test.each([
  ['in memory', undefined],
  ['on disk', 'pages'],
] as const)(
  'what is kept %s is not asked of a DataNode again; a file that is replaced is noticed',
  async (_, folder) => {
    await writeDataset(fs, FOLDER, { parts: PARTS });
    await settle(2020);
    const dataset = await open(folder);
    await epochOf(dataset, 0);
    const again = await epochOf(dataset, 1);
    expect(sorted(again.ids)).toEqual(numbers(0, 1200));
    expect(again.requests).toBe(0);
    expect(proxy.exchanges.filter(({ role }) => role === 'data').length).toBeGreaterThanOrEqual(PARTS.length);

    await fs.delete(`${FOLDER}/part-1`);
    await writeDataset(fs, FOLDER, { parts: [{ name: 'part-1', payloads: examples(5000, 5400) }] });
    const error = await failure(epochOf(dataset, 2), 'SHARDFEED_CHANGED');
    expect(error.message).toContain(`${FOLDER}/part-1`);
    await settle(2021);
    const reopened = await open(folder);
    for (const epoch of [0, 1]) {
      const { ids } = await epochOf(reopened, epoch);
      expect(sorted(ids)).toEqual([...numbers(0, 400), ...numbers(800, 1200), ...numbers(5000, 5400)]);
    }
    await fs.delete(FOLDER);
  },
);

test('pages on disk serve whoever opens the dataset next', async () => {
  await writeDataset(fs, FOLDER, { parts: PARTS });
  await settle(2022);
  const { ids } = await epochOf(await open('shared'), 0);
  const other = await epochOf(await open('shared'), 0);
  expect(other).toEqual({ ids, requests: 0 });
});

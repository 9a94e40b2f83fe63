import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openDataset } from '../../../src/dataset/open-dataset.js';
import { type FileSystem, openFiles } from '../../../src/files/index.js';
import { exampleSchema, examples, failure, writeDataset } from '../../dataset/dataset-builders.js';
import { countingFileSystem } from '../../support/counting-file-system.js';
import { testCluster } from '../support/cluster.js';
import { openCluster } from '../support/file-systems.js';

const ROOT = '/open-dataset';
const cluster = await testCluster('plain');
const fs = await openCluster(cluster);
const cache = await mkdtemp(join(tmpdir(), 'shardfeed-open-dataset-'));
afterAll(async () => {
  await fs.delete(ROOT);
  await rm(cache, { recursive: true });
});

/** What a job of Spark leaves: numbered parts, and an empty file that says that it is done. */
const parts = Array.from({ length: 5 }, (_, i) => ({
  name: `part-r-0000${i}`,
  payloads: examples(i * i, (i + 1) ** 2),
}));
const ids = Array.from({ length: 25 }, (_, i) => i);

function counted(inner: FileSystem) {
  const { fs: seen, counts } = countingFileSystem(inner);
  return { files: openFiles({ drivers: { hdfs: () => seen } }), counts };
}

test('hdfs:///…/train/part*: scanned once, then opened and read by what is kept', async () => {
  const folder = `${ROOT}/titanic/train`;
  const { fingerprint } = await writeDataset(fs, folder, { parts });
  await (await fs.create(`${folder}/_SUCCESS`)).close();
  await cluster.tool('dfs', ['-touch', '-m', '-t', '20200101:000000', ...parts.map(({ name }) => `${folder}/${name}`)]);
  const { files, counts } = counted(fs);
  const options = { files, scanCache: cache };
  const first = await openDataset(`hdfs://${folder}/part*`, options);
  expect(first.fingerprint).toBe(fingerprint);
  expect(first.files.map(({ name, records }) => [name, records])).toEqual(
    parts.map(({ name, payloads }) => [name, payloads.length]),
  );
  const { schema } = first;
  counts.reset();
  await using second = await openDataset(`hdfs://${folder}/part*`, { ...options, schema });
  expect(counts.bytes).toBe(0);
  expect(second.fingerprint).toBe(fingerprint);
  const found: unknown[] = [];
  for (const id of ids) found.push((await second.get(id)).id);
  expect(found).toEqual(ids);
  const rows: number[] = [];
  for await (const { columns, mask } of second.batches({ globalBatchSize: 10, shuffle: false })) {
    const { values } = columns.id as { values: Float64Array };
    rows.push(...values.filter((_, i) => mask[i] === 1));
  }
  expect(rows).toEqual(ids);
});

test('with a manifest nothing but it is read; parts that change or vanish are told', async () => {
  const folder = `${ROOT}/listed`;
  await writeDataset(fs, folder, { parts, index: true, manifest: { schema: exampleSchema } });
  const { files, counts } = counted(fs);
  const dataset = await openDataset(`hdfs://${folder}`, { files });
  expect([...counts.files.keys()]).toEqual([`${folder}/_manifest.json`]);
  expect(counts.requests).toBe(3);
  await fs.delete(`${folder}/part-r-00004`);
  await writeDataset(fs, folder, { parts: [{ name: 'part-r-00004', payloads: examples(30, 39) }] });
  const batches = async (): Promise<void> => {
    for await (const _ of dataset.batches({ globalBatchSize: 10 }));
  };
  const path = `${folder}/part-r-00004`;
  for (const read of [() => dataset.get(20), batches]) {
    expect((await failure(read(), 'SHARDFEED_CHANGED')).message).toContain(path);
  }
  await fs.delete(path);
  for (const read of [() => dataset.get(20), batches]) {
    expect((await failure(read(), 'SHARDFEED_NOT_FOUND')).message).toContain(path);
  }
});

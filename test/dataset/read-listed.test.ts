import { expect, test } from 'vitest';
import { collectStatistics, readBatches, readRecords, writeRecords } from '../../src/dataset/index.js';
import { type Batch, frameRecords, type Loss } from '../../src/records/index.js';
import {
  type DatasetSpec,
  exampleSchema,
  examples,
  failure,
  memory,
  readFile,
  startsOf,
  writeDataset,
  writeFile,
} from './dataset-builders.js';

const parts = [0, 1, 2].map((i) => ({ name: `part-r-0000${i}`, payloads: examples(10 * i, 10 * i + 10) }));
const URI = 'memory:///d';

async function setUp(spec: Partial<DatasetSpec>) {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts, ...spec });
  const cut = async (records: number): Promise<void> => {
    const bytes = await readFile(fs, '/d/part-r-00001');
    await writeFile(fs, '/d/part-r-00001', bytes.subarray(0, startsOf(parts[1]!.payloads)[records]));
  };
  const losses: Loss[] = [];
  const skip = { files, policy: 'skip', onLoss: (loss: Loss) => void losses.push(loss) } as const;
  return { fs, files, cut, losses, skip };
}

const count = async (records: AsyncIterable<unknown>): Promise<number> => {
  let n = 0;
  for await (const _ of records) n++;
  return n;
};

/** Each row's id, or undefined where it does not count. */
async function idsOf(batches: AsyncIterable<Batch>): Promise<(number | undefined)[]> {
  const ids: (number | undefined)[] = [];
  for await (const { columns, mask, size } of batches) {
    const { id } = columns;
    if (id?.layout !== 'fixed') throw new Error('id is no fixed column');
    for (let i = 0; i < size; i++) ids.push(mask[i] === 1 ? Number(id.values[i]) : undefined);
  }
  return ids;
}

/** The ids 0 to 29 with those of one range lost. */
const without = (from: number, to: number): (number | undefined)[] =>
  Array.from({ length: 30 }, (_, i) => (i >= from && i < to ? undefined : i));

test('readers see that a file was cut behind a record, by its manifest or by its index', async () => {
  for (const spec of [{ manifest: true }, { index: true }, { manifest: true, index: true }]) {
    const { files, cut } = await setUp(spec);
    expect(await count(readRecords(URI, { files }))).toBe(30);
    await cut(4);
    await failure(count(readRecords(URI, { files })), 'SHARDFEED_STALE');
    await failure(count(readBatches(URI, { files, schema: exampleSchema })), 'SHARDFEED_STALE');
    await failure(collectStatistics(URI, { files, schema: exampleSchema }), 'SHARDFEED_STALE');
  }
  // Nothing knows better: the four records are all there are.
  const { files, cut } = await setUp({});
  await cut(4);
  expect(await count(readRecords(URI, { files }))).toBe(24);
});

test('where losses are passed over, a cut file loses what its manifest lists, and the rows keep their places', async () => {
  for (const index of [true, false]) {
    for (const records of [0, 4, 9]) {
      const { cut, losses, skip } = await setUp({ manifest: { schema: exampleSchema }, index });
      await cut(records);
      expect(await idsOf(readBatches(URI, { ...skip, batchSize: 7 }))).toEqual(without(10 + records, 20));
      const offset = startsOf(parts[1]!.payloads)[records];
      expect(losses).toMatchObject([
        { path: 'memory:///d/part-r-00001', reason: 'truncated', record: records, count: 10 - records, offset },
      ]);
      expect(await count(readRecords(URI, skip))).toBe(20 + records);
      expect((await collectStatistics(URI, { ...skip, recompute: true })).statistics.records).toBe(20 + records);
    }
  }
});

test('a part that is missing is an error, or lost as a whole', async () => {
  const { fs, files, losses, skip } = await setUp({ manifest: { schema: exampleSchema } });
  await fs.delete('/d/part-r-00001');
  await failure(count(readRecords(URI, { files })), 'SHARDFEED_STALE');
  expect(await idsOf(readBatches(URI, skip))).toEqual(without(10, 20));
  expect(losses).toMatchObject([{ path: 'memory:///d/part-r-00001', record: 0, count: 10, atLeast: false }]);
  await failure(count(readRecords(URI, { files, policy: { skip: 9 } })), 'SHARDFEED_BUDGET');
});

test('a file of the right size with fewer records is not what the manifest lists', async () => {
  const { fs, files, losses, skip } = await setUp({ manifest: { schema: exampleSchema } });
  const { size } = await fs.stat('/d/part-r-00001');
  await writeFile(fs, '/d/part-r-00001', frameRecords([new Uint8Array(size - 16)]));
  const error = await failure(count(readRecords(URI, { files })), 'SHARDFEED_TRUNCATED');
  expect(error).toMatchObject({ path: 'memory:///d/part-r-00001', offset: size, record: 1 });
  await count(readRecords(URI, skip));
  expect(losses).toMatchObject([{ record: 1, count: 9 }]);
});

test('an index tells exactly how many records damage costs, without a manifest', async () => {
  const { fs, losses, skip } = await setUp({ index: true });
  const starts = startsOf(parts[1]!.payloads);
  const bytes = await readFile(fs, '/d/part-r-00001');
  await writeFile(fs, '/d/part-r-00001', bytes.fill(0xee, starts[3], starts[6]! + 1));
  expect(await idsOf(readBatches(URI, { ...skip, schema: exampleSchema }))).toEqual(without(13, 17));
  expect(losses.reduce((n, loss) => n + loss.count, 0)).toBe(4);
  expect(losses.every((loss) => !loss.atLeast)).toBe(true);
});

test('a stale index is refused, whatever the policy', async () => {
  const { fs, files, skip } = await setUp({ index: true });
  await writeFile(fs, '/d/part-r-00001', frameRecords(examples(0, 50)));
  await failure(count(readRecords(URI, { files })), 'SHARDFEED_STALE');
  await failure(count(readRecords(URI, skip)), 'SHARDFEED_STALE');
  await fs.delete('/d/_index');
  expect(await count(readRecords(URI, { files }))).toBe(70);
});

test('a file that is written anew is rid of its old index', async () => {
  const { files } = await setUp({ index: true });
  await writeRecords(`${URI}/part-r-00001`, examples(0, 50), { files, overwrite: true });
  expect(await count(readRecords(URI, { files }))).toBe(70);
});

test('batches have the schema of the manifest unless another is given', async () => {
  const { files } = await setUp({ manifest: { schema: { features: exampleSchema.features.slice(0, 1) } } });
  for await (const { columns } of readBatches(URI, { files })) expect(Object.keys(columns)).toEqual(['id']);
  for await (const { columns } of readBatches(URI, { files, schema: exampleSchema })) {
    expect(Object.keys(columns)).toEqual(['id', 'word']);
  }
});

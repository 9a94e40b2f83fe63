import { expect, test } from 'vitest';
import { collectStatistics } from '../../src/dataset/collect-statistics.js';
import { encodeExample, frameRecords, type Loss, type Schema } from '../../src/records/index.js';
import { exampleSchema, examples, failure, memory, writeDataset, writeFile } from './dataset-builders.js';

const parts = [
  { name: 'part-r-00000', payloads: examples(0, 1500) },
  { name: 'part-r-00001.gz', payloads: examples(1500, 2100), codec: 'gzip' as const },
];

test('statistics of records that come without a manifest', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts });
  const { statistics, schema, from } = await collectStatistics('memory:///d', { files });
  expect(from).toBe('records');
  expect(schema.features.map(({ name, kind, shape }) => [name, kind, shape])).toEqual([
    ['id', 'int64', []],
    ['word', 'bytes', []],
  ]);
  expect(statistics).toMatchObject({
    records: 2100,
    features: [
      { name: 'id', kind: 'int64', count: 2100, missing: 0, min: 0, max: 2099, mean: 1049.5, quantilesExact: true },
      { name: 'word', kind: 'bytes', count: 2100, missing: 0, lengths: { min: 0, mean: 3, max: 6 }, distinct: 7 },
    ],
  });
  expect(statistics.features[0]!.quantiles!['0.5']).toBe(1049);
  expect(statistics.features[1]!.top).toContainEqual({ value: 'www', count: 300 });
});

test('a manifest answers at once, unless it is not to be asked', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/plain', { parts });
  const { statistics } = await collectStatistics('memory:///plain', { files, schema: exampleSchema });
  const marked = { ...statistics, features: statistics.features.slice(0, 1) };
  await writeDataset(fs, '/d', { parts, manifest: { schema: exampleSchema, statistics: marked } });
  expect(await collectStatistics('memory:///d', { files })).toEqual({
    statistics: marked,
    schema: exampleSchema,
    from: 'manifest',
  });
  const read = await collectStatistics('memory:///d', { files, recompute: true });
  expect(read).toEqual({ statistics, schema: exampleSchema, from: 'records' });
  expect(JSON.stringify(read.statistics)).toBe(JSON.stringify(statistics));
});

test('missing values, lists and special floats are told apart', async () => {
  const schema: Schema = {
    features: [
      { name: 'f', kind: 'float', shape: [], nullable: true },
      { name: 'list', kind: 'int64', shape: 'ragged' },
    ],
  };
  const rows = [
    { f: 1.5, list: [1, 2, 3] },
    { f: Number.NaN, list: [] },
    { list: [7] },
    { f: Number.NEGATIVE_INFINITY, list: [1, 1] },
    { f: 0.1, list: [9] },
  ];
  const { fs, files } = memory();
  await writeFile(fs, '/f', frameRecords(rows.map((row) => encodeExample(row, schema))));
  const { statistics } = await collectStatistics('memory:///f', { files, schema });
  expect(statistics.features).toMatchObject([
    { count: 4, missing: 1, nan: 1, positiveInfinity: 0, negativeInfinity: 1, min: 0.1, max: 1.5, distinct: 2 },
    { count: 5, missing: 0, values: 7, lists: { min: 0, mean: 1.4, max: 3 }, min: 1, max: 9, distinct: 5 },
  ]);
  expect(statistics.features[0]!.mean).toBeCloseTo(0.8, 7);
  expect(statistics.features[1]!.top[0]).toEqual({ value: 1, count: 3 });
});

test('corrupt records are an error, or left out and reported', async () => {
  const { fs, files } = memory();
  const payloads = examples(0, 3000);
  payloads[1200] = payloads[1200]!.slice(1);
  const bytes = frameRecords(payloads);
  bytes[bytes.length - 10]! ^= 1;
  await writeFile(fs, '/f', bytes);
  const options = { files, schema: exampleSchema };
  await failure(collectStatistics('memory:///f', options), 'SHARDFEED_MALFORMED_EXAMPLE');
  const losses: Loss[] = [];
  const onLoss = (loss: Loss): void => void losses.push(loss);
  const { statistics } = await collectStatistics('memory:///f', { ...options, policy: 'skip', onLoss });
  expect(statistics).toMatchObject({
    records: 2998,
    features: [
      { count: 2998, missing: 0, min: 0, max: 2998 },
      { count: 2998, missing: 0 },
    ],
  });
  expect(losses.map((loss) => [loss.reason, loss.record])).toEqual([
    ['malformed-example', 1200],
    ['payload-checksum', 2999],
  ]);
  await failure(collectStatistics('memory:///f', { ...options, policy: { skip: 1 } }), 'SHARDFEED_BUDGET');
});

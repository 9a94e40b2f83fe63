import { expect, test } from 'vitest';
import { compileFeatures, type FeatureSpec } from '../../../src/dataset/index.js';
import { type Batch, parseSchema, rowsToBatch, type Schema } from '../../../src/records/index.js';
import { cellsOf, int64AsNumbers, statisticsOf } from './columns.js';

const schema = parseSchema({
  features: [
    { name: 'x', kind: 'float', nullable: true },
    { name: 'port', kind: 'bytes' },
    { name: 'cabin', kind: 'int64' },
    { name: 'tags', kind: 'bytes', shape: 'ragged' },
    { name: 'survived', kind: 'int64' },
  ],
  labels: ['survived'],
});
const batch = rowsToBatch(
  [
    { x: 3, port: 'S', cabin: 7, tags: ['a', 'b'], survived: 1 },
    { port: 'X', cabin: -1, tags: [], survived: 0 },
  ],
  schema,
);
const specs: FeatureSpec[] = [
  { op: 'normalize', column: 'x' },
  { op: 'vocabulary', column: 'port', values: ['S', 'C'] },
  { op: 'oneHot', column: 'port', as: 'port hot' },
  { op: 'hashBucket', column: 'tags', buckets: 4, missing: 4 },
  { op: 'multiHot', column: 'tags' },
  { op: 'oneHot', column: 'survived', depth: 2, as: 'y' },
  { op: 'select', columns: ['port hot', 'x', 'tags', 'y', 'cabin'] },
];
const statistics = statisticsOf('float', { mean: 1, std: 2 });

test('specs are applied one after the other, and see what was made before', () => {
  const made = compileFeatures(specs, { schema, statistics })(batch);
  expect(Object.keys(made.columns)).toEqual(['port hot', 'x', 'tags', 'y', 'cabin']);
  expect(cellsOf(made, 'x')).toEqual([1, 0]);
  expect(cellsOf(made, 'port hot')).toEqual([
    [0, 1, 0],
    [1, 0, 0],
  ]);
  expect(cellsOf(made, 'tags')[0]).toHaveLength(5);
  expect(cellsOf(made, 'tags')[1]).toEqual([0, 0, 0, 0, 0]);
});

test('the batch keeps its rows and mask; what no spec touches is passed on, and the given batch is left alone', () => {
  const masked: Batch = { ...batch, mask: Uint8Array.of(1, 0) };
  const before = structuredClone(masked);
  const made = compileFeatures(specs, { schema, statistics })(masked);
  expect(made.size).toBe(2);
  expect(made.mask).toBe(masked.mask);
  expect(made.columns.cabin).toBe(masked.columns.cabin);
  expect(masked).toEqual(before);
});

test('it tells the schema, labels and numbers of classes of what it makes', () => {
  const { schema: made, classes } = compileFeatures(specs.slice(0, -1), { schema, statistics });
  expect(made).toEqual({
    features: [
      { name: 'x', kind: 'float', shape: [] },
      { name: 'port', kind: 'int64', shape: [] },
      { name: 'cabin', kind: 'int64', shape: [] },
      { name: 'tags', kind: 'float', shape: [5] },
      { name: 'survived', kind: 'int64', shape: [] },
      { name: 'port hot', kind: 'float', shape: [3] },
      { name: 'y', kind: 'float', shape: [2] },
    ],
    labels: ['survived', 'y'],
  });
  expect(classes).toEqual({ port: 3 });
  expect(compileFeatures(specs, { schema, statistics }).schema.labels).toEqual(['y']);
});

test('its specs are JSON, need no statistics, and do the same', () => {
  const first = compileFeatures(specs, { schema, statistics });
  const again = compileFeatures(JSON.parse(JSON.stringify(first.specs)), { schema });
  expect(JSON.stringify(again.specs)).toBe(JSON.stringify(first.specs));
  expect(first.specs[0]).toEqual({
    op: 'normalize',
    column: 'x',
    as: 'x',
    method: 'zScore',
    mean: 1,
    std: 2,
    missing: 0,
  });
  expect(again(batch)).toEqual(first(batch));
});

test('what it makes does not depend on how int64 columns are read, nor on batches before', () => {
  const transform = compileFeatures([...specs, { op: 'hashBucket', column: 'cabin', buckets: 97 }], {
    schema,
    statistics,
  });
  const first = transform(batch);
  expect(transform(int64AsNumbers(batch)).columns.cabin).toEqual(first.columns.cabin);
  const wide = rowsToBatch(
    Array.from({ length: 3000 }, (_, i) => ({ port: 'C', cabin: i, tags: [`${i}`.repeat(50)], survived: 0 })),
    schema,
  );
  expect(transform(wide).size).toBe(3000);
  expect(transform(batch)).toEqual(first);
  expect(transform(rowsToBatch([], schema)).size).toBe(0);
});

const REFUSED: [unknown, string][] = [
  ['normalize', 'features: '],
  [[{ op: 'normalise', column: 'x' }], 'got "normalise"'],
  [[{ op: 'normalize' }], 'features[0].column'],
  [[{ op: 'normalize', column: 'x', mean: '1' }], 'features[0].mean: expected number, got "1"'],
  [[{ op: 'normalize', column: 'x', clip: 1 }], 'clip'],
  [
    [specs[1], { op: 'hashBucket', column: 'port', buckets: 0 }],
    'features[1].buckets: Too small: expected number to be >=1, got 0',
  ],
  [[{ op: 'bucketize', column: 'x', boundaries: [2, 1] }], 'expected ascending boundaries, got [2,1]'],
  [[{ op: 'cross', columns: ['port'], buckets: 3 }], 'features[0].columns'],
  [[{ op: 'select', columns: ['x', 'x'] }], 'expected different columns, got ["x","x"]'],
];

test('specs are checked, and what is wrong is told with its place and value', () => {
  for (const [given, message] of REFUSED) {
    expect(() => compileFeatures(given as FeatureSpec[], { schema, statistics })).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_USAGE', message: expect.stringContaining(message) }),
    );
  }
});

test('a column that is not there, or no longer, is refused by name', () => {
  const gone: FeatureSpec[] = [
    { op: 'select', columns: ['x'] },
    { op: 'hashBucket', column: 'port', buckets: 3 },
  ];
  const error = { code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'port', message: expect.stringContaining('there are x') };
  expect(() => compileFeatures(gone, { schema })).toThrow(expect.objectContaining(error));
});

test('a batch that is not of the schema is refused with the column', () => {
  const transform = compileFeatures(specs, { schema, statistics });
  const wrong = (name: string, column: object | undefined): Batch => ({
    ...batch,
    columns: { ...batch.columns, [name]: column } as Batch['columns'],
  });
  const { x, port, tags } = batch.columns;
  const cases: [Batch, string][] = [
    [wrong('x', undefined), 'x'],
    [wrong('x', port), 'x'],
    [wrong('x', { ...x, values: new Float64Array(2) }), 'x'],
    [wrong('x', { ...x, values: new Float32Array(1) }), 'x'],
    [wrong('x', { ...x, shape: [2] }), 'x'],
    [wrong('port', tags), 'port'],
    [wrong('port', { ...port, offsets: new Int32Array(2) }), 'port'],
    [wrong('port', { ...port, offsets: Int32Array.of(0, 1, 99) }), 'port'],
    [wrong('tags', port), 'tags'],
    [wrong('tags', { ...tags, rowOffsets: Int32Array.of(0, 2, 1) }), 'tags'],
    [wrong('tags', { ...tags, rowOffsets: Int32Array.of(0, 2) }), 'tags'],
    [wrong('tags', { ...tags, rowOffsets: Int32Array.of(0, 2, 9) }), 'tags'],
    [wrong('cabin', undefined), 'cabin'],
  ];
  for (const [given, column] of cases) {
    expect(() => transform(given)).toThrow(expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', column }));
  }
});

test("tf2-onspark's model spec tells the labels", () => {
  const spec: Schema = parseSchema({ inputs: { x: { type: 'float' } }, outputs: { y: { type: 'int' } } });
  expect(compileFeatures([], { schema: spec }).schema).toEqual(spec);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { farmHash64, farmHashCat } from '../../../src/dataset/features/farmhash.js';
import { compileFeatures, type FeatureSpec } from '../../../src/dataset/index.js';
import { type Feature, type Row, rowsToBatch } from '../../../src/records/index.js';
import { type Cells, cellsOf, int64AsNumbers } from './columns.js';

const utf8 = new TextEncoder();
const KEY = 0xdecafcaffen;
const hashOf = (value: unknown): bigint =>
  typeof value === 'string' ? farmHash64(utf8.encode(value)) : BigInt.asUintN(64, value as bigint);
/** The twin: one combination of values. */
const crossOf = (values: readonly unknown[], buckets: number): number =>
  Number(values.reduce<bigint>((hash, value) => farmHashCat(hash, hashOf(value)), KEY) % BigInt(buckets));

const a: Feature = { name: 'a', kind: 'bytes', shape: [], nullable: true };
const b: Feature = { name: 'b', kind: 'int64', shape: [], nullable: true };

function crossed(features: readonly Feature[], rows: readonly Row[], options: Partial<FeatureSpec> = {}): Cells {
  const schema = { features };
  const spec = {
    op: 'cross',
    columns: features.map(({ name }) => name),
    buckets: 5,
    as: 'x',
    ...options,
  } as FeatureSpec;
  const transform = compileFeatures([spec], { schema });
  const batch = rowsToBatch(rows, schema);
  const cells = cellsOf(transform(batch), 'x');
  expect(cellsOf(transform(int64AsNumbers(batch)), 'x')).toEqual(cells);
  return cells;
}

test("buckets are those of Keras' HashedCrossing", () => {
  // The example of its documentation.
  const rows = ['A', 'B', 'A', 'B', 'A'].map((text, i) => ({ a: text, b: i < 3 ? 101 : 102 }));
  expect(crossed([a, b], rows)).toEqual([1, 4, 1, 1, 3]);
});

test('a null is as an empty text, unless it is given a class', () => {
  const rows = [{ b: 1n }, { a: 'A' }, {}, { a: 'A', b: 1n }];
  const expected = [crossOf(['', 1n], 5), crossOf(['A', ''], 5), crossOf(['', ''], 5), crossOf(['A', 1n], 5)];
  expect(crossed([a, b], rows)).toEqual(expected);
  expect(crossed([a, b], rows, { missing: 5 })).toEqual([5, 5, 5, expected[3]]);
});

test('every combination of lists, the last column fastest; a null list has none', () => {
  const features: Feature[] = [
    { name: 'a', kind: 'bytes', shape: 'ragged', nullable: true },
    { name: 'b', kind: 'int64', shape: [2] },
    { name: 'c', kind: 'bytes', shape: [] },
  ];
  const all = fc.array(
    fc.record({
      a: fc.option(fc.array(fc.string({ maxLength: 40 }), { maxLength: 4 }), { nil: undefined }),
      b: fc.tuple(fc.bigInt({ min: -99n, max: 99n }), fc.bigInt({ min: -9n, max: 9n })),
      c: fc.string({ maxLength: 3 }),
    }),
  );
  fc.assert(
    fc.property(all, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (rows, buckets) => {
      const expected = rows.map(({ a = [], b, c }) =>
        a.flatMap((first) => b.map((second) => crossOf([first, second, c], buckets))),
      );
      expect(crossed(features, rows as Row[], { buckets })).toEqual(expected);
    }),
    { seed: 7 },
  );
});

test('fixed shapes multiply', () => {
  const features: Feature[] = [
    { name: 'a', kind: 'int64', shape: [2] },
    { name: 'b', kind: 'int64', shape: [3] },
  ];
  const schema = { features };
  const { schema: made } = compileFeatures([{ op: 'cross', columns: ['a', 'b'], buckets: 9 }], { schema });
  expect(made.features.at(-1)).toEqual({ name: 'a_x_b', kind: 'int64', shape: [6] });
  expect(crossed(features, [{ a: [1, 2], b: [3, 4, 5] }])).toEqual([
    [1n, 2n].flatMap((x) => [3n, 4n, 5n].map((y) => crossOf([x, y], 5))),
  ]);
});

test('more combinations than memory holds are refused before they are made', () => {
  const features = ['a', 'b'].map((name): Feature => ({ name, kind: 'int64', shape: 'ragged' }));
  const list = new Array(17_000).fill(1);
  expect(() => crossed(features, [{ a: list, b: list }])).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_RANGE', column: 'x' }),
  );
});

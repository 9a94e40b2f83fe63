import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applied, statisticsOf } from './columns.js';

const float = { kind: 'float', shape: [] } as const;
const int64 = { kind: 'int64', shape: [] } as const;
const spec = { op: 'bucketize', column: 'x', boundaries: [0, 1, 2] } as const;

test('a value is in the bucket behind the boundaries at or below it', () => {
  // The example of Keras' Discretization.
  expect(applied(spec, float, [-1.5, 1, 3.4, 0.5, 0, 3, 1.3, 0])).toEqual([0, 2, 3, 1, 1, 3, 2, 1]);
  expect(applied(spec, int64, [-1, 0, 1, 2, 2n ** 63n - 1n])).toEqual([0, 1, 2, 3, 3]);
});

test('NaN is above all, a null has no class unless it is given one', () => {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null];
  expect(applied(spec, float, special)).toEqual([3, 3, 0, -1]);
  expect(applied({ ...spec, missing: 4 }, float, [null, 1])).toEqual([4, 2]);
});

test('floats are compared as float32, int64 exactly', () => {
  expect(applied({ ...spec, boundaries: [0.7] }, float, [Math.fround(0.7)])).toEqual([1]);
  expect(applied({ ...spec, boundaries: [16777217] }, int64, [16777216, 16777217])).toEqual([0, 1]);
});

test('it counts the boundaries at or below, for any of them', () => {
  const numbers = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(numbers, numbers, (given, values) => {
      const boundaries = given.sort((a, b) => a - b).map((x) => (Number.isFinite(x) ? x : 0));
      boundaries.sort((a, b) => a - b);
      const expected = values.map((x) => boundaries.filter((boundary) => boundary <= x).length);
      expect(applied({ ...spec, boundaries }, float, values)).toEqual(expected);
    }),
    { seed: 3 },
  );
});

test('lists stay lists', () => {
  expect(applied(spec, { kind: 'float', shape: 'ragged' }, [[5, -5], null, []])).toEqual([[3, 0], [], []]);
});

test('boundaries may be quantiles of the statistics, equal ones once', () => {
  const statistics = statisticsOf('float', { quantiles: { '0.25': 1, '0.5': 1, '0.75': 7 } });
  const given = { op: 'bucketize', column: 'x', quantiles: [0.25, 0.5, 0.75] } as const;
  expect(applied(given, float, [0, 1, 6, 7], statistics)).toEqual([0, 1, 1, 2]);
  const missing = expect.objectContaining({ code: 'SHARDFEED_USAGE', message: expect.stringMatching(/0\.33.*0\.25/) });
  expect(() => applied({ ...given, quantiles: [0.33] }, float, [], statistics)).toThrow(missing);
  expect(() => applied({ op: 'bucketize', column: 'x' }, float, [])).toThrow('either boundaries or quantiles');
});

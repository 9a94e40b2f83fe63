import { expect, test } from 'vitest';
import { compileFeatures } from '../../../src/dataset/index.js';
import { rowsToBatch } from '../../../src/records/index.js';
import { applied, cellsOf, int64AsNumbers, statisticsOf } from './columns.js';

const float = { kind: 'float', shape: [] } as const;
const int64 = { kind: 'int64', shape: [] } as const;
const known = { mean: 10, std: 4, min: 2, max: 22 };

test('z-score and min-max take what they need from the statistics', () => {
  const statistics = statisticsOf('float', known);
  const z = { op: 'normalize', column: 'x' } as const;
  expect(applied(z, float, [10, 14, 4], statistics)).toEqual([0, 1, -1.5]);
  expect(applied({ ...z, method: 'minMax' }, float, [2, 22, 12, 32], statistics)).toEqual([0, 1, 0.5, 1.5]);
});

test('given figures win over statistics', () => {
  const spec = { op: 'normalize', column: 'x', mean: 0, std: 2 } as const;
  expect(applied(spec, float, [4], statisticsOf('float', known))).toEqual([2]);
});

test('a null becomes the mean, or what `missing` says; NaN and infinities stay', () => {
  const spec = { op: 'normalize', column: 'x', mean: 1, std: 2 } as const;
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  expect(applied(spec, float, [null, 3, ...special])).toEqual([0, 1, ...special]);
  expect(applied({ ...spec, missing: -9 }, float, [3, null])).toEqual([1, -9]);
});

test('a column whose values are all the same becomes zeros', () => {
  expect(applied({ op: 'normalize', column: 'x', mean: 5, std: 0 }, float, [5, 5])).toEqual([0, 0]);
  expect(applied({ op: 'normalize', column: 'x', method: 'minMax', min: 5, max: 5 }, float, [5, 5])).toEqual([0, 0]);
});

test('int64 columns become float, as numbers and as bigint, out of statistics beyond 2^53', () => {
  const schema = { features: [{ name: 'x', ...int64 }] };
  const spec = { op: 'normalize', column: 'x', method: 'minMax' } as const;
  const statistics = statisticsOf('int64', { min: '-9223372036854775808', max: '9223372036854775807' });
  const batch = rowsToBatch([{ x: 0 }, { x: -(2n ** 63n) }, { x: 2n ** 63n - 1n }, { x: 2n ** 61n }], schema);
  const transform = compileFeatures([spec], { schema, statistics });
  expect(transform.schema.features).toEqual([{ name: 'x', kind: 'float', shape: [] }]);
  for (const given of [batch, int64AsNumbers(batch)])
    expect(cellsOf(transform(given), 'x')).toEqual([0.5, 0, 1, 0.625]);
});

test('fixed and ragged shapes stay what they are', () => {
  const spec = { op: 'normalize', column: 'x', mean: 0, std: 2 } as const;
  expect(applied(spec, { kind: 'float', shape: [2] }, [[2, 4], null])).toEqual([
    [1, 2],
    [0, 0],
  ]);
  expect(applied(spec, { kind: 'float', shape: 'ragged' }, [[2], [], null, [4, 6]])).toEqual([[1], [], [], [2, 3]]);
});

test('without figures, and of bytes, it is refused', () => {
  const spec = { op: 'normalize', column: 'x' } as const;
  const missing = { code: 'SHARDFEED_USAGE', column: 'x', message: expect.stringContaining('no mean is given') };
  expect(() => applied(spec, float, [])).toThrow(expect.objectContaining(missing));
  expect(() => applied(spec, { kind: 'bytes', shape: [] }, [])).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'x' }),
  );
});

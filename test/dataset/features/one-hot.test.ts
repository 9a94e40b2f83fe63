import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applied } from './columns.js';

const int64 = { kind: 'int64', shape: [] } as const;
const lists = { kind: 'int64', shape: 'ragged' } as const;

test('a class becomes a row of numbers, of which its own is 1', () => {
  const spec = { op: 'oneHot', column: 'x', depth: 3 } as const;
  expect(applied(spec, int64, [0, 2, 1])).toEqual([
    [1, 0, 0],
    [0, 0, 1],
    [0, 1, 0],
  ]);
  expect(applied(spec, int64, [-1, 3, null, 2n ** 63n - 1n])).toEqual(new Array(4).fill([0, 0, 0]));
  expect(applied(spec, { kind: 'int64', shape: [2] }, [[1, 0], null])).toEqual([
    [0, 1, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 0],
  ]);
  expect(() => applied(spec, lists, [])).toThrow('it is ragged');
});

test('all classes of a row become one row of numbers', () => {
  const spec = { op: 'multiHot', column: 'x', depth: 4 } as const;
  expect(applied(spec, lists, [[1, 3, 1], [], null, [-1, 4, 0]])).toEqual([
    [0, 1, 0, 1],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [1, 0, 0, 0],
  ]);
  expect(applied({ ...spec, count: true }, lists, [[1, 3, 1]])).toEqual([[0, 2, 0, 1]]);
  expect(applied(spec, { kind: 'int64', shape: [2] }, [[1, 0], null])).toEqual([
    [1, 1, 0, 0],
    [0, 0, 0, 0],
  ]);
});

test('multi-hot counts what occurs, for any lists', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: -2, max: 9 }))), fc.integer({ min: 1, max: 12 }), (rows, depth) => {
      const counts = rows.map((row) => Array.from({ length: depth }, (_, k) => row.filter((x) => x === k).length));
      expect(applied({ op: 'multiHot', column: 'x', depth, count: true }, lists, rows)).toEqual(counts);
      const some = counts.map((row) => row.map((n) => Math.min(n, 1)));
      expect(applied({ op: 'multiHot', column: 'x', depth }, lists, rows)).toEqual(some);
    }),
    { seed: 6 },
  );
});

test('a depth that nobody knows, and what no memory can hold, is refused', () => {
  expect(() => applied({ op: 'oneHot', column: 'x' }, int64, [])).toThrow('wants a depth');
  expect(() => applied({ op: 'oneHot', column: 'x', depth: 2 ** 31 - 1 }, int64, [1])).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_RANGE', column: 'x' }),
  );
});

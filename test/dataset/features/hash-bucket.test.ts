import fc from 'fast-check';
import { expect, test } from 'vitest';
import { farmHash64 } from '../../../src/dataset/features/farmhash.js';
import { applied } from './columns.js';

const utf8 = new TextEncoder();
const bytes = { kind: 'bytes', shape: [] } as const;
const int64 = { kind: 'int64', shape: [] } as const;
const spec = { op: 'hashBucket', column: 'x', buckets: 3 } as const;
const bucket = (text: string, buckets = 3): number => Number(farmHash64(utf8.encode(text)) % BigInt(buckets));

test("buckets are those of Keras' Hashing", () => {
  // The example of its documentation.
  expect(applied(spec, bytes, ['A', 'B', 'C', 'D', 'E'])).toEqual([1, 0, 1, 1, 2]);
});

test('an int64 is hashed as text, a null as no text', () => {
  const buckets = 1000;
  const big = { ...spec, buckets };
  expect(applied(big, int64, [-12, 0, null])).toEqual([
    bucket('-12', buckets),
    bucket('0', buckets),
    bucket('', buckets),
  ]);
  expect(applied(big, bytes, [null, ''])).toEqual([bucket('', buckets), bucket('', buckets)]);
});

test('a null can have a class of its own, or none', () => {
  expect(applied({ ...spec, missing: 3 }, bytes, [null, 'A'])).toEqual([3, 1]);
  expect(applied({ ...spec, missing: -1 }, int64, [null])).toEqual([-1]);
});

test('any bytes, in any shape, up to the largest number of buckets', () => {
  const buckets = 2 ** 31 - 1;
  const hashed = (item: Uint8Array): number => Number(farmHash64(item) % BigInt(buckets));
  fc.assert(
    fc.property(fc.array(fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 4 })), (rows) => {
      expect(applied({ ...spec, buckets }, { kind: 'bytes', shape: 'ragged' }, rows)).toEqual(
        rows.map((row) => row.map(hashed)),
      );
    }),
    { seed: 5 },
  );
  expect(applied(spec, { kind: 'bytes', shape: [2, 2] }, [['A', 'B', 'C', 'E'], null])).toEqual([
    [1, 0, 1, 2],
    new Array(4).fill(bucket('')),
  ]);
});

test('floats have no text to hash', () => {
  expect(() => applied(spec, { kind: 'float', shape: [] }, [])).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', message: expect.stringContaining('is float') }),
  );
});

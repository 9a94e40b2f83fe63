import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeColumns } from '../../src/records/example-columns.js';
import { decodeExample } from '../../src/records/example-object.js';
import { rows } from '../../src/records/rows.js';
import type { Schema } from '../../src/records/schema.js';
import { bytesFeature, entry, example, field, floatFeature, int64Feature, utf8 } from './builders.js';
import { records, schemas } from './example-arbitrary.js';

describe('without a schema', () => {
  test('one value stands plain, none as [], several as an array', () => {
    const bytes = example(
      entry('one', int64Feature(-7)),
      entry('none', floatFeature()),
      entry('unset', new Uint8Array(0)),
      entry('several', bytesFeature('a', 'b')),
      entry('float', floatFeature(0.1)),
    );
    expect(decodeExample(bytes)).toEqual({
      one: -7,
      none: [],
      unset: [],
      several: [utf8('a'), utf8('b')],
      float: Math.fround(0.1),
    });
  });

  test('int64 beyond 2^53 is a bigint, exact', () => {
    const values = [2 ** 53 - 1, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n];
    expect(decodeExample(example(entry('x', int64Feature(...values))))).toEqual({ x: values });
  });

  test('any name is a name', () => {
    const row = decodeExample(
      example(entry('__proto__', int64Feature(1)), entry('', int64Feature(2)), entry('é', int64Feature(3))),
    );
    expect(Object.entries(row)).toEqual([
      ['__proto__', 1],
      ['', 2],
      ['é', 3],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  test('a name that is not UTF-8 is malformed', () => {
    const bytes = example(field(1, field(1, [0xff]), field(2, int64Feature(1))));
    expect(() => decodeExample(bytes)).toThrow(expect.objectContaining({ code: 'SHARDFEED_MALFORMED_EXAMPLE' }));
  });

  test('bytes are copies', () => {
    const bytes = example(entry('x', bytesFeature('abc')));
    const row = decodeExample(bytes);
    bytes.fill(0);
    expect(row.x).toEqual(utf8('abc'));
  });
});

describe('with a schema', () => {
  const schema: Schema = {
    features: [
      { name: 'a', kind: 'int64', shape: [] },
      { name: 'b', kind: 'float', shape: [2], default: 0.5 },
      { name: 'c', kind: 'bytes', shape: 'ragged', nullable: true },
    ],
  };

  test('features stand in its order and form, with defaults and nulls', () => {
    const full = example(
      entry('c', bytesFeature('x')),
      entry('b', floatFeature(1, 2)),
      entry('z', int64Feature(1)),
      entry('a', int64Feature(3)),
    );
    expect(Object.entries(decodeExample(full, schema))).toEqual([
      ['a', 3],
      ['b', [1, 2]],
      ['c', [utf8('x')]],
    ]);
    expect(decodeExample(example(entry('a', int64Feature(3))), schema)).toEqual({ a: 3, b: [0.5, 0.5], c: null });
  });

  test('what does not fit is a mismatch', () => {
    for (const bytes of [example(), example(entry('a', floatFeature(1))), example(entry('a', int64Feature(1, 2)))]) {
      expect(() => decodeExample(bytes, schema)).toThrow(
        expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'a' }),
      );
    }
  });

  test('rows of a batch are the same objects', () => {
    const files = schemas.chain((s) => fc.tuple(fc.constant(s), fc.array(records(s, false), { maxLength: 5 })));
    fc.assert(
      fc.property(files, ([s, list]) => {
        const objects = list.map((bytes) => decodeExample(bytes, s));
        const big = (key: string, value: unknown): unknown => {
          const kind = s.features.find((f) => f.name === key)?.kind;
          if (kind !== 'int64' || value === null) return value;
          return Array.isArray(value) ? value.map(BigInt) : BigInt(value as number | bigint);
        };
        const expected = objects.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, big(k, v)])));
        expect([...rows(decodeColumns(list, s, { int64: 'bigint' }))]).toEqual(expected);
      }),
    );
  });
});

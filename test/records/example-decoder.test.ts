import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShardfeedError } from '../../src/errors.js';
import type { Batch } from '../../src/records/batch.js';
import { decodeColumns } from '../../src/records/example-columns.js';
import { ExampleDecoder, type ExampleDecoderOptions } from '../../src/records/example-decoder.js';
import type { RecordBlock } from '../../src/records/record-block.js';
import { frameRecords } from '../../src/records/record-writer.js';
import type { Schema } from '../../src/records/schema.js';
import {
  bytesFeature,
  concat,
  entry,
  example,
  field,
  floatFeature,
  int64Feature,
  tag,
  utf8,
  varint,
} from './builders.js';
import { edit, edits, records, schemas } from './example-arbitrary.js';

function blockOf(payloads: readonly Uint8Array[]): RecordBlock {
  let at = 0;
  const offsets = payloads.map((p) => {
    const offset = at + 12;
    at += p.length + 16;
    return offset;
  });
  return {
    bytes: frameRecords(payloads),
    count: payloads.length,
    offsets: Uint32Array.from(offsets),
    lengths: Uint32Array.from(payloads, (p) => p.length),
    firstRecord: 0,
    firstOffset: 0,
  };
}

function decodeInKernel(payloads: readonly Uint8Array[], schema: Schema, options: ExampleDecoderOptions = {}): Batch[] {
  const decoder = new ExampleDecoder(schema, options);
  const batches: Batch[] = [];
  decoder.load(blockOf(payloads));
  while (decoder.fill()) batches.push(decoder.take());
  if (decoder.rows > 0) batches.push(decoder.take());
  return batches;
}

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ShardfeedError)) throw error;
    return { code: error.code, column: error.column };
  }
}

const cut = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

const files = (wild: boolean): fc.Arbitrary<[Schema, Uint8Array[]]> =>
  schemas.chain((schema) =>
    fc.tuple(fc.constant(schema), fc.array(records(schema, wild), { minLength: 1, maxLength: 12 })),
  );
const batchSizes = fc.integer({ min: 1, max: 13 });

describe('kernel and twin', () => {
  test('decode valid records alike, whatever their form', () => {
    let good = 0;
    fc.assert(
      fc.property(files(false), batchSizes, ([schema, list], batchSize) => {
        const options = { int64: 'bigint' } as const;
        const twin = outcome(() => cut(list, batchSize).map((part) => decodeColumns(part, schema, options)));
        expect(outcome(() => decodeInKernel(list, schema, { ...options, batchSize }))).toEqual(twin);
        if (Array.isArray(twin)) good++;
      }),
      { numRuns: 600 },
    );
    expect(good).toBe(600);
  });

  test('decode records with mismatches alike', () => {
    fc.assert(
      fc.property(files(true), batchSizes, ([schema, list], batchSize) => {
        const options = { int64: 'bigint' } as const;
        const twin = outcome(() => cut(list, batchSize).map((part) => decodeColumns(part, schema, options)));
        expect(outcome(() => decodeInKernel(list, schema, { ...options, batchSize }))).toEqual(twin);
      }),
      { numRuns: 600 },
    );
  });

  test('decode damaged records alike, and refuse them with the same code', () => {
    fc.assert(
      fc.property(files(false), fc.nat(), edits, ([schema, list], which, changes) => {
        const damaged = list.map((bytes, i) => (i === which % list.length ? edit(bytes, changes) : bytes));
        const twin = outcome(() => cut(damaged, 50).map((part) => decodeColumns(part, schema)));
        expect(outcome(() => decodeInKernel(damaged, schema, { batchSize: 50 }))).toEqual(twin);
      }),
      { numRuns: 1200 },
    );
  });

  test('decode random bytes alike', () => {
    fc.assert(
      fc.property(schemas, fc.uint8Array({ maxLength: 40 }), (schema, bytes) => {
        const twin = outcome(() => [decodeColumns([bytes], schema)]);
        expect(outcome(() => decodeInKernel([bytes], schema))).toEqual(twin);
      }),
      { numRuns: 400 },
    );
  });

  test('decode only the columns asked for, alike', () => {
    fc.assert(
      fc.property(files(true), fc.nat(), ([schema, list], pick) => {
        const columns = schema.features.map((f) => f.name).filter((_, i) => i === 0 || (pick >> i) & 1);
        columns.reverse();
        const features = columns.map((name) => schema.features.find((f) => f.name === name)!);
        const twin = outcome(() => [decodeColumns(list, { features }, { int64: 'bigint' })]);
        expect(outcome(() => decodeInKernel(list, schema, { columns, int64: 'bigint' }))).toEqual(twin);
      }),
      { numRuns: 400 },
    );
  });

  test('agree on malformed records that are left out', () => {
    fc.assert(
      fc.property(files(false), fc.array(fc.tuple(fc.nat(), edits), { maxLength: 4 }), ([schema, list], damages) => {
        const damaged: Uint8Array[] = [...list];
        for (const [at, changes] of damages) damaged[at % list.length] = edit(damaged[at % list.length]!, changes);
        const kept = damaged.map((bytes) => {
          const result = outcome(() => decodeColumns([bytes], schema, { int64: 'bigint' })) as { code?: string };
          return result.code === 'SHARDFEED_MALFORMED_EXAMPLE' ? null : bytes;
        });
        const options = { batchSize: 5, int64: 'bigint' } as const;
        const twin = outcome(() => cut(kept, 5).map((part) => decodeColumns(part, schema, options)));
        expect(outcome(() => decodeInKernel(damaged, schema, { ...options, onMalformed: () => {} }))).toEqual(twin);
      }),
      { numRuns: 400 },
    );
  });
});

const one = (features: Schema['features'], ...payloads: Uint8Array[]): Batch => {
  const [batch] = decodeInKernel(payloads, { features });
  return batch!;
};

describe('what the wire format allows', () => {
  const x = (kind: 'int64' | 'float' | 'bytes', shape: readonly number[] | 'ragged' = []) => [
    { name: 'x', kind, shape },
  ];

  test('packed, unpacked and mixed lists', () => {
    const mixed = entry('x', field(3, field(1, varint(1), varint(2)), tag(1, 0), varint(-3), field(1, varint(4))));
    expect(one(x('int64', 'ragged'), example(mixed)).columns.x).toMatchObject({ values: Float64Array.of(1, 2, -3, 4) });
    const floats = entry('x', field(2, tag(1, 5), [0, 0, 128, 63], field(1, [0, 0, 0, 64])));
    expect(one(x('float', [2]), example(floats)).columns.x).toMatchObject({ values: Float32Array.of(1, 2) });
  });

  test('non-minimal varints, up to ten bytes, and the full range of int64', () => {
    const list = [varint(5, 10), varint(-1), varint(2n ** 63n - 1n), varint(-(2n ** 63n)), varint(0, 3)];
    const [batch] = decodeInKernel(
      [example(entry('x', field(3, field(1, ...list))))],
      { features: x('int64', [5]) },
      {
        int64: 'bigint',
      },
    );
    expect(batch!.columns.x).toMatchObject({ values: BigInt64Array.of(5n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0n) });
  });

  test('the value of an entry that is predicted: any bytes, with any others behind it, are a varint or not, as the book says', () => {
    const any = fc.oneof(fc.constantFrom(0, 1, 127, 128, 129, 255), fc.integer({ min: 0, max: 255 }));
    const value = fc.tuple(fc.array(any, { maxLength: 12 }), fc.boolean(), any).map(([bytes, tidy, last]) => {
      return tidy ? [...bytes.slice(0, 9).map((byte) => byte | 128), last & 127] : bytes;
    });
    const schema: Schema = { features: ['x', 'y'].map((name) => ({ name, kind: 'int64', shape: [] })) };
    const record = (x: readonly number[], y: number): Uint8Array =>
      example(entry('x', field(3, field(1, x))), entry('y', int64Feature(y)));
    fc.assert(
      fc.property(value, fc.integer({ min: -2, max: 300 }), (x, y) => {
        const payloads = [record([1], 1), record([2], 2), record(x, y), record([3], y)];
        const options = { int64: 'bigint' } as const;
        const twin = outcome(() => [decodeColumns(payloads, schema, options)]);
        expect(outcome(() => decodeInKernel(payloads, schema, options))).toEqual(twin);
      }),
      { seed: 20261123, numRuns: 3000 },
    );
  });

  test('repeated keys: the last wins, also over a wrong kind', () => {
    const twice = example(entry('x', floatFeature(1)), entry('x', int64Feature(2)), entry('x', int64Feature(3)));
    expect(one(x('int64'), twice).columns.x).toMatchObject({ values: Float64Array.of(3) });
  });

  test('repeated messages merge: features, values of one entry, lists of one kind', () => {
    const features = concat(field(1, entry('x', int64Feature(1))), field(1, entry('y', int64Feature(2))));
    const both = one([...x('int64'), { name: 'y', kind: 'int64', shape: [] }], features);
    expect([both.columns.x, both.columns.y]).toMatchObject(
      [{ values: [1] }, { values: [2] }].map((c) => ({ values: Float64Array.from(c.values) })),
    );
    const values = example(field(1, field(2, int64Feature(1)), field(1, utf8('x')), field(2, int64Feature(2))));
    expect(one(x('int64', [2]), values).columns.x).toMatchObject({ values: Float64Array.of(1, 2) });
    const replaced = example(entry('x', concat(floatFeature(1), int64Feature(2), int64Feature(3))));
    expect(one(x('int64', [2]), replaced).columns.x).toMatchObject({ values: Float64Array.of(2, 3) });
  });

  test('a Feature without a list counts as absent; an empty list is no value', () => {
    const none = example(entry('x', new Uint8Array(0)));
    expect(one([{ name: 'x', kind: 'int64', shape: [], default: 9 }], none).columns.x).toMatchObject({
      values: Float64Array.of(9),
    });
    expect(one([{ name: 'x', kind: 'int64', shape: [], nullable: true }], none).columns.x).toMatchObject({
      validity: Uint8Array.of(0),
    });
    const empty = example(entry('x', int64Feature()));
    expect(one(x('int64', 'ragged'), empty).columns.x).toMatchObject({ offsets: Int32Array.of(0, 0) });
    expect(outcome(() => one(x('int64'), empty))).toMatchObject({ code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'x' });
  });

  test('an empty Example has defaults and nulls only', () => {
    const features = [
      { name: 'd', kind: 'bytes', shape: [], default: 'none' },
      { name: 'n', kind: 'float', shape: [2], nullable: true },
    ] as const;
    expect(one(features, new Uint8Array(0)).columns).toMatchObject({
      d: { data: utf8('none') },
      n: { values: Float32Array.of(0, 0), validity: Uint8Array.of(0) },
    });
  });
});

describe('errors', () => {
  const schema: Schema = { features: [{ name: 'x', kind: 'int64', shape: [] }] };
  const good = example(entry('x', int64Feature(1)));

  test.each([
    ['a cut varint', Uint8Array.of(10, 128)],
    ['a varint of eleven bytes', concat(tag(2, 0), new Array<number>(10).fill(128), [0])],
    ['field number 0', Uint8Array.of(2, 0)],
    ['wire type 6', Uint8Array.of(14, 0)],
    ['a length beyond the end', Uint8Array.of(10, 5, 0)],
    ['a group that does not end', concat(tag(3, 3), tag(1, 0), [1])],
    ['a group that ends as another', concat(tag(3, 3), tag(4, 4))],
    ['a group that did not begin', tag(3, 4)],
    ['groups 101 deep', concat(...new Array(101).fill(tag(3, 3)), ...new Array(101).fill(tag(3, 4)))],
    ['packed floats of 3 bytes', example(entry('x', field(2, field(1, [1, 2, 3]))))],
    ['a packed varint that is cut', example(entry('x', field(3, field(1, [128]))))],
  ])('%s is malformed, and says which record', (_, bytes) => {
    const expected = { code: 'SHARDFEED_MALFORMED_EXAMPLE', record: 1, offset: good.length + 16 };
    expect(() => decodeInKernel([good, bytes, good], schema)).toThrow(expect.objectContaining(expected));
    expect(outcome(() => decodeColumns([good, bytes], schema))).toMatchObject({ code: expected.code });
  });

  test('groups 100 deep are well', () => {
    const deep = concat(...new Array(100).fill(tag(3, 3)), ...new Array(100).fill(tag(3, 4)), good);
    expect(one(schema.features, deep).columns.x).toMatchObject({ values: Float64Array.of(1) });
  });

  test.each([
    ['another kind', example(entry('x', floatFeature(1))), 'holds float'],
    ['two values', example(entry('x', int64Feature(1, 2))), 'holds 2 values'],
    ['no key', example(entry('y', int64Feature(1))), 'is absent'],
  ])('%s is a mismatch that names the feature', (_, bytes, message) => {
    const expected = {
      code: 'SHARDFEED_SCHEMA_MISMATCH',
      record: 1,
      column: 'x',
      message: expect.stringContaining(message),
    };
    expect(() => decodeInKernel([good, bytes], schema)).toThrow(expect.objectContaining(expected));
  });

  test('an int64 beyond 2^53 wants bigint', () => {
    const big = example(entry('x', int64Feature(2n ** 53n)));
    expect(outcome(() => decodeInKernel([big], schema))).toEqual({ code: 'SHARDFEED_RANGE', column: 'x' });
    expect(decodeInKernel([big], schema, { int64: 'bigint' })[0]!.columns.x).toMatchObject({
      values: BigInt64Array.of(2n ** 53n),
    });
  });

  test('columns that the schema does not have are a usage error', () => {
    expect(() => new ExampleDecoder(schema, { columns: ['z'] })).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_USAGE' }),
    );
    expect(() => new ExampleDecoder(schema, { columns: [] })).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_USAGE' }),
    );
    expect(() => new ExampleDecoder(schema, { batchSize: 0 })).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_USAGE' }),
    );
  });
});

test('columns grow to what records hold', () => {
  const features = [
    { name: 'b', kind: 'bytes', shape: 'ragged' },
    { name: 'f', kind: 'float', shape: 'ragged' },
    { name: 's', kind: 'bytes', shape: [] },
  ] as const;
  const list = Array.from({ length: 200 }, (_, i) =>
    example(
      entry('b', bytesFeature(...Array.from({ length: i % 30 }, (_, k) => 'x'.repeat(k)))),
      entry('f', floatFeature(...Array.from({ length: (i * 7) % 300 }, (_, k) => k / 2))),
      entry('s', bytesFeature('y'.repeat(i * 5))),
    ),
  );
  const twin = cut(list, 64).map((part) => decodeColumns(part, { features }));
  expect(decodeInKernel(list, { features }, { batchSize: 64 })).toEqual(twin);
});

test('lost records keep their rows, with mask 0', () => {
  const schema: Schema = {
    features: [
      { name: 'x', kind: 'int64', shape: [], default: 4 },
      { name: 'y', kind: 'bytes', shape: 'ragged' },
      { name: 'z', kind: 'float', shape: [2], nullable: true },
    ],
  };
  const good = example(entry('x', int64Feature(1)), entry('y', bytesFeature('a', 'b')), entry('z', floatFeature(1, 2)));
  const decoder = new ExampleDecoder(schema, { batchSize: 3 });
  expect(decoder.addLost(1)).toBe(1);
  decoder.load(blockOf([good]));
  expect(decoder.fill()).toBe(false);
  expect(decoder.addLost(5)).toBe(1);
  const batch = decoder.take();
  expect(batch).toEqual(decodeColumns([null, good, null], schema));
  expect([...batch.mask]).toEqual([0, 1, 0]);
});

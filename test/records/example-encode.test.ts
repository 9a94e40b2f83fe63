import CRC32C from 'crc-32/crc32c.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeExample } from '../../src/records/encode-example.js';
import { ExampleDecoder } from '../../src/records/example-decoder.js';
import { type EncodedRecords, ExampleEncoder } from '../../src/records/example-encode.js';
import { decodeExample } from '../../src/records/example-object.js';
import { KernelColumns } from '../../src/records/kernel/columns.js';
import { Kernel } from '../../src/records/kernel/kernel.js';
import { readBlocks } from '../../src/records/record-reader.js';
import { featureValues, type Row } from '../../src/records/row-values.js';
import { rows } from '../../src/records/rows.js';
import { rowsToBatch } from '../../src/records/rows-to-batch.js';
import type { Feature, Schema } from '../../src/records/schema.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const feature = (name: string, kind: Feature['kind'], shape: Feature['shape'] = []): Feature => ({ name, kind, shape });

describe('encodeExample', () => {
  test('writes the bytes that TensorFlow writes', () => {
    const schema: Schema = {
      features: [feature('a', 'int64'), feature('b', 'float'), feature('c', 'bytes'), feature('d', 'int64', 'ragged')],
    };
    // tf.train.Example: a: int64 [3], b: float [0.5], c: bytes ["hi"], d: int64 []
    const a = '0a0a0a01611205' + '1a030a0103';
    const b = '0a0d0a01621208' + '12060a040000003f';
    const c = '0a0b0a01631206' + '0a040a026869';
    const d = '0a070a01641202' + '1a00';
    expect(hex(encodeExample({ d: [], c: 'hi', b: 0.5, a: 3 }, schema))).toBe(`0a31${a}${b}${c}${d}`);
    expect(hex(encodeExample({ b: 0.5, c: 'hi', a: 3 }))).toBe(`0a28${b}${c}${a}`);
    // a list without values has no kind
    expect(hex(encodeExample({ d: [] }))).toBe('0a070a050a01641200');
  });

  test('a negative integer takes ten bytes, and an example without features is not empty', () => {
    expect(hex(encodeExample({ a: -1 }))).toBe('0a150a130a0161120e1a0c0a0affffffffffffffffff01');
    expect(hex(encodeExample({ a: null, b: undefined }))).toBe('0a00');
  });
});

/** Where two byte strings begin to differ, -1 where they do not. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return -1;
}

const masked = (bytes: Uint8Array): number => {
  const crc = CRC32C.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

/** One TFRecord, made in the plainest way. */
function framed(payload: Uint8Array): Buffer {
  const record = Buffer.alloc(payload.length + 16);
  record.writeBigUInt64LE(BigInt(payload.length), 0);
  record.writeUInt32LE(masked(record.subarray(0, 8)), 8);
  record.set(payload, 12);
  record.writeUInt32LE(masked(payload), 12 + payload.length);
  return record;
}

function encodeAll(rows: Row[], schema: Schema): { bytes: Buffer; meta: number[] } {
  const columns = new KernelColumns(new Kernel(), schema, Math.max(1, rows.length));
  columns.fromBatch(rowsToBatch(rows, schema));
  const { bytes, meta } = new ExampleEncoder(columns).encode(rows.length);
  return { bytes: Buffer.from(bytes), meta: [...meta] };
}

const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer({ min: -3, max: 300 }));
const bytes = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 200 }),
  fc.integer({ min: 100, max: 20_000 }).map((n) => 'x'.repeat(n)),
);
const values = { int64, float: fc.float(), bytes };
const shape = fc.oneof(fc.constant([]), fc.constant('ragged' as const), fc.constantFrom([1], [3], [2, 20], [50]));
const schemas = fc
  .uniqueArray(
    fc.record({
      name: fc.oneof(
        fc.constantFrom('__proto__', 'constructor'),
        fc.string({ minLength: 1, maxLength: 12 }),
        fc.integer({ min: 80, max: 300 }).map((n) => 'é'.repeat(n)),
      ),
      kind: fc.constantFrom('int64' as const, 'float' as const, 'bytes' as const),
      shape,
    }),
    { selector: (f) => f.name, minLength: 1, maxLength: 8 },
  )
  .map((features): Schema => ({ features }));

function rowOf(schema: Schema): fc.Arbitrary<Row> {
  const entries = schema.features.map((f) => {
    const value = values[f.kind] as fc.Arbitrary<unknown>;
    const width = f.shape === 'ragged' ? undefined : f.shape.reduce((n, d) => n * d, 1);
    const list = fc.array(value, width === undefined ? { maxLength: 30 } : { minLength: width, maxLength: width });
    return fc.option(width === 1 ? value : list).map((v) => [f.name, v] as const);
  });
  return fc.tuple(...entries).map((list) => Object.fromEntries(list));
}

const copied = ({ bytes, meta }: EncodedRecords): EncodedRecords => ({ bytes: bytes.slice(), meta: meta.slice() });

describe('the kernel encodes columns as encodeExample encodes rows', () => {
  test('payloads, CRCs and meta, on random schemas and rows', () => {
    const cases = schemas.chain((schema) => fc.tuple(fc.constant(schema), fc.array(rowOf(schema), { maxLength: 10 })));
    fc.assert(
      fc.property(cases, ([schema, rows]) => {
        const payloads = rows.map((row) => encodeExample(row, schema));
        const { bytes, meta } = encodeAll(rows, schema);
        expect(firstDifference(bytes, Buffer.concat(payloads.map(framed)))).toBe(-1);
        expect(meta).toEqual(payloads.flatMap((p) => [p.length, CRC32C.buf(p) >>> 0]));
      }),
      { numRuns: 500 },
    );
  });

  test('with a CRC from elsewhere for long records, and it is asked only then', () => {
    const schema: Schema = { features: [feature('text', 'bytes')] };
    const batch = (...sizes: number[]) =>
      rowsToBatch(
        sizes.map((n) => ({ text: 'x'.repeat(n) })),
        schema,
      );
    const columns = new KernelColumns(new Kernel(), schema, 8);
    let asked = 0;
    const longCrc = () => {
      asked++;
      return (bytes: Uint8Array) => CRC32C.buf(bytes);
    };
    const encoder = new ExampleEncoder(columns, { longCrc });
    const plain = new ExampleEncoder(columns);
    for (const sizes of [[10, 20], [5000, 2, 0, 9000], [300, 4000, 1], [7], [8, 9]]) {
      const expected = asked;
      columns.fromBatch(batch(...sizes));
      const { bytes, meta } = copied(plain.encode(sizes.length)); // the other may move the memory
      const found = encoder.encode(sizes.length);
      expect(firstDifference(found.bytes, bytes)).toBe(-1);
      expect([...found.meta]).toEqual([...meta]);
      expect(asked - expected).toBe(sizes[0] === 300 ? 1 : 0);
    }
  });

  test('records around the sizes where a length takes one byte more', () => {
    const schema: Schema = { features: [feature('text', 'bytes')] };
    const rows = [
      0, 90, 100, 104, 105, 106, 107, 108, 109, 110, 111, 112, 120, 127, 128, 16_360, 16_384, 2_100_000, 3,
    ].map((n) => ({ text: 'x'.repeat(n) }));
    const { bytes } = encodeAll(rows, schema);
    const expected = Buffer.concat(rows.map((row) => framed(encodeExample(row, schema))));
    expect(firstDifference(bytes, expected)).toBe(-1);
  });
});

describe('what is encoded decodes to the same', () => {
  const normal = (row: Row, schema: Schema): Record<string, unknown> => {
    const entries = schema.features.map((f): [string, unknown] => {
      const values = featureValues(f, row[f.name])?.values.map((v) =>
        f.kind === 'float' ? Math.fround(v as number) : v,
      );
      return [f.name, values === undefined ? null : f.shape.length === 0 && f.shape !== 'ragged' ? values[0] : values];
    });
    return Object.fromEntries(entries);
  };
  const exact = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(exact);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return typeof value === 'bigint' ? Number(value) : value;
  };

  test('one by one, and in columns', () => {
    const cases = schemas.chain(({ features }) => {
      const schema = { features: features.map((f) => ({ ...f, nullable: true })) };
      return fc.tuple(fc.constant(schema), fc.array(rowOf(schema), { minLength: 1, maxLength: 10 }));
    });
    const property = fc.asyncProperty(cases, async ([schema, given]) => {
      const expected = given.map((row) => exact(Object.values(normal(row, schema))));
      const objects = given.map((row) => Object.values(decodeExample(encodeExample(row, schema), schema)));
      expect(objects.map(exact)).toEqual(expected);

      const { bytes } = encodeAll(given, schema);
      const decoder = new ExampleDecoder(schema, { int64: 'bigint', batchSize: 1000 });
      for await (const block of readBlocks(inOnePiece(bytes))) {
        decoder.load(block);
        while (decoder.fill()) throw new Error('a batch of 1000 is not filled by ten rows');
      }
      const batch = decoder.take()!;
      const again = [...rows(batch)].map((row) => Object.values(row));
      expect(again.map(exact)).toEqual(expected);
    });
    return fc.assert(property, { numRuns: 100 });
  });
});

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('values of the wrong kind, number or size are typed errors', () => {
  const schema: Schema = {
    features: [feature('i', 'int64'), feature('f', 'float'), feature('b', 'bytes'), feature('v', 'float', [2])],
  };
  const cases: [Row, string, string][] = [
    [{ i: 1.5 }, 'SHARDFEED_SCHEMA_MISMATCH', 'feature "i" holds 1.5: expected an int64'],
    [{ i: '1' }, 'SHARDFEED_SCHEMA_MISMATCH', 'feature "i" holds "1": expected an int64'],
    [
      { i: 2 ** 60 },
      'SHARDFEED_RANGE',
      'feature "i" holds 1152921504606847000, which is no safe integer: give it as a bigint',
    ],
    [{ i: 2n ** 63n }, 'SHARDFEED_RANGE', 'feature "i" holds 9223372036854775808, which is beyond int64'],
    [{ i: [1, 2] }, 'SHARDFEED_SCHEMA_MISMATCH', 'feature "i" has 2 values, its shape [] wants 1'],
    [{ f: 'x' }, 'SHARDFEED_SCHEMA_MISMATCH', 'feature "f" holds "x": expected a float'],
    [{ b: 5 }, 'SHARDFEED_SCHEMA_MISMATCH', 'feature "b" holds 5: expected a string or Uint8Array'],
    [{ v: [1, 2, 3] }, 'SHARDFEED_SCHEMA_MISMATCH', 'feature "v" has 3 values, its shape [2] wants 2'],
  ];
  test.each(cases)('%o', (row, code, message) => {
    const error = expect.objectContaining({ code, message, column: Object.keys(row)[0] });
    expect(() => encodeExample(row, schema)).toThrow(error);
    expect(() => rowsToBatch([row], schema)).toThrow(error);
  });

  test('without a schema', () => {
    expect(() => encodeExample({ a: {} })).toThrow(expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH' }));
    expect(() => encodeExample({ a: [1, 'x'] })).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH' }),
    );
    expect(() => encodeExample({ a: 1e300 })).toThrow(expect.objectContaining({ code: 'SHARDFEED_RANGE' }));
  });
});

test('without a schema, kinds are those of the values', () => {
  const row = {
    integers: [1, 2n, true],
    floats: [1, 0.5, Number.NaN],
    float32: new Float32Array([1, 2]),
    big: new BigInt64Array([-5n]),
    small: new Int8Array([-5, 5]),
    text: ['a', new Uint8Array([255])],
    one: new Uint8Array([1, 2]),
    nested: [
      [1, 2],
      [3, 4],
    ],
  };
  expect(decodeExample(encodeExample(row))).toEqual({
    integers: [1, 2, 1],
    floats: [1, 0.5, Number.NaN],
    float32: [1, 2],
    big: -5,
    small: [-5, 5],
    text: [new Uint8Array([97]), new Uint8Array([255])],
    one: new Uint8Array([1, 2]),
    nested: [1, 2, 3, 4],
  });
});

test('what every object inherits is no value', () => {
  const schema: Schema = { features: [feature('constructor', 'bytes'), feature('__proto__', 'int64')] };
  expect(hex(encodeExample({}, schema))).toBe('0a00');
  expect(hex(encodeAll([{}], schema).bytes)).toBe(hex(framed(encodeExample({}, schema))));
});

test('defaults stand in for missing values, in objects and columns', () => {
  const schema: Schema = {
    features: [
      { ...feature('i', 'int64', [2]), default: 7 },
      { ...feature('b', 'bytes', 'ragged'), default: ['x', 'y'] },
    ],
  };
  const expected = encodeExample({ i: [7, 7], b: ['x', 'y'] });
  expect(hex(encodeExample({}, schema))).toBe(hex(expected));
  expect(hex(encodeAll([{}], schema).bytes)).toBe(hex(framed(expected)));
});

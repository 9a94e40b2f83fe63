import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShardfeedError } from '../../src/errors.js';
import { fromJsonValue, shortestFloat32, toJsonValue } from '../../src/records/json-value.js';
import type { Schema } from '../../src/records/schema.js';
import { parseSchema, schemaToJson } from '../../src/records/schema-json.js';

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('values survive JSON: int64 beyond 2^53, bytes that are no UTF-8, NaN and infinities', () => {
  expect(toJsonValue('int64', 2n ** 63n - 1n)).toBe('9223372036854775807');
  expect(toJsonValue('int64', -5n)).toBe(-5);
  expect(toJsonValue('bytes', new Uint8Array([0xc3, 0xa9]))).toBe('é');
  expect(toJsonValue('bytes', new Uint8Array([0xff, 0]))).toEqual({ base64: '/wA=' });
  expect(toJsonValue('float', Math.fround(0.1))).toBe(0.1);
  expect(toJsonValue('float', Number.NEGATIVE_INFINITY)).toBe('-Infinity');
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      expect(BigInt(fromJsonValue('int64', throughJson(toJsonValue('int64', value))) as bigint)).toBe(value);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const back = fromJsonValue('bytes', throughJson(toJsonValue('bytes', bytes)));
      expect(typeof back === 'string' ? new TextEncoder().encode(back) : back).toEqual(bytes);
    }),
  );
});

test('shortestFloat32 gives the float32 back with no digit too many', () => {
  const bits = new DataView(new ArrayBuffer(4));
  const examples: [number, string][] = [
    [0x00000001, '1e-45'],
    [0x3dcccccd, '0.1'],
    [0x4ceb79a3, '123456790'],
    [0x7f7fffff, '3.4028235e+38'],
    [0x3f800001, '1.0000001'],
  ];
  for (const [pattern, text] of examples) {
    bits.setUint32(0, pattern);
    expect(String(shortestFloat32(bits.getFloat32(0)))).toBe(text);
  }
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const short = shortestFloat32(value);
      expect(Math.fround(short)).toBe(value);
      const digits = String(Math.abs(short))
        .replace(/e.*|\./g, '')
        .replace(/^0+|0+$/g, '').length;
      for (let fewer = 1; fewer < digits; fewer++) {
        expect(Math.fround(Number(value.toPrecision(fewer)))).not.toBe(value);
      }
    }),
  );
});

test('a schema survives JSON with every kind of default', () => {
  const schema: Schema = {
    features: [
      { name: 'a', kind: 'int64', shape: [], default: -(2n ** 63n) },
      { name: 'b', kind: 'bytes', shape: 'ragged', default: [new Uint8Array([0xfe]), 'x'], nullable: true },
      { name: 'c', kind: 'float', shape: [2], default: [Number.NaN, 0.25] },
      { name: 'd', kind: 'int64', shape: [3], default: 7 },
    ],
    labels: ['d'],
  };
  const json = schemaToJson(schema);
  expect(parseSchema(throughJson(json))).toEqual(schema);
  expect(JSON.stringify(schemaToJson(parseSchema(throughJson(json))))).toBe(JSON.stringify(json));
});

test('a default that is no value of its kind is refused', () => {
  for (const [kind, value] of [
    ['int64', 'seven'],
    ['int64', '9223372036854775808'],
    ['float', 'nan'],
    ['bytes', { base64: '???' }],
    ['int64', { base64: 'AA==' }],
  ]) {
    const json = { features: [{ name: 'a', kind, default: value }] };
    expect(() => parseSchema(json)).toThrowError(ShardfeedError);
  }
});

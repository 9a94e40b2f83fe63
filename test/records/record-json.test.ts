import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeExample,
  encodeExample,
  encodeSequenceExample,
  flattenSequence,
  inferSequenceSchema,
  recordToJson,
} from '../../src/records/index.js';

describe('recordToJson', () => {
  test('one value plain, several or none as an array', () => {
    const schema = {
      features: [
        { name: 'one', kind: 'int64', shape: [] },
        { name: 'many', kind: 'float', shape: 'ragged' },
        { name: 'none', kind: 'bytes', shape: 'ragged' },
      ],
    } as const;
    const record = encodeExample({ one: 5, many: [1.5, 2], none: [] }, schema);
    expect(recordToJson(record)).toBe('{"one":5,"many":[1.5,2],"none":[]}');
    expect(recordToJson(record, (name) => name !== 'many')).toBe('{"one":5,"none":[]}');
    expect(recordToJson(encodeExample({}, schema))).toBe('{}');
  });

  test('values that JSON numbers cannot hold', () => {
    const record = encodeExample(
      {
        big: 2n ** 62n,
        small: -(2n ** 63n),
        safe: 2n ** 53n - 1n,
        f: [0.1, -0, 1e-45, 3.4028234663852886e38, Number.NaN, Infinity, -Infinity],
      },
      {
        features: [
          { name: 'big', kind: 'int64', shape: [] },
          { name: 'small', kind: 'int64', shape: [] },
          { name: 'safe', kind: 'int64', shape: [] },
          { name: 'f', kind: 'float', shape: [7] },
        ],
      },
    );
    expect(recordToJson(record)).toBe(
      '{"big":"4611686018427387904","small":"-9223372036854775808","safe":9007199254740991,' +
        '"f":[0.1,-0,1e-45,3.4028235e+38,"NaN","Infinity","-Infinity"]}',
    );
  });

  test('bytes as text where they are UTF-8, else as base64', () => {
    const record = encodeExample({
      text: 'é"\n\u{1f600}',
      empty: '',
      bom: '\ufeffx',
      raw: Uint8Array.of(0xff, 0xfe, 0),
    });
    expect(JSON.parse(recordToJson(record))).toEqual({
      text: 'é"\n\u{1f600}',
      empty: '',
      bom: '\ufeffx',
      raw: { base64: '//4A' },
    });
  });

  test('features keep the order of the record, whatever their names are', () => {
    const names = ['2', '1', '__proto__', 'b', 'a', 'é"\n'];
    const features = names.map((name) => ({ name, kind: 'int64' as const, shape: [] }));
    const row = Object.fromEntries(names.map((name, i) => [name, i]));
    Object.defineProperty(row, '__proto__', { value: 2, enumerable: true });
    const json = recordToJson(encodeExample(row, { features }));
    expect(json).toBe('{"2":0,"1":1,"__proto__":2,"b":3,"a":4,"é\\"\\n":5}');
  });

  test('floats come back as the same float32', () => {
    fc.assert(
      fc.property(fc.float(), (value) => {
        const record = encodeExample({ f: value }, { features: [{ name: 'f', kind: 'float', shape: [] }] });
        const text = (JSON.parse(recordToJson(record)) as { f: number | string }).f;
        expect(Object.is(Math.fround(Number(text)), Math.fround(value))).toBe(true);
      }),
    );
  });

  test('a SequenceExample', () => {
    const record = encodeSequenceExample({
      context: { id: 7 },
      featureLists: { tokens: ['a', 'b'], scores: [[1.5, 2.5], [3.5]] },
    });
    expect(recordToJson(record)).toBe(
      '{"context":{"id":7},"featureLists":{"tokens":["a","b"],"scores":[[1.5,2.5],3.5]}}',
    );
    expect(recordToJson(record, (name) => name === 'tokens')).toBe(
      '{"context":{},"featureLists":{"tokens":["a","b"]}}',
    );
  });

  test('what is no Example', () => {
    expect(() => recordToJson(Buffer.from('not an Example'))).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_MALFORMED_EXAMPLE' }),
    );
  });
});

describe('SequenceExamples without a schema', () => {
  const records = [
    encodeSequenceExample({
      context: { id: 7, name: 'x' },
      featureLists: {
        tokens: ['a', 'b'],
        pairs: [
          [1, 2],
          [3, 4],
        ],
      },
    }),
    encodeSequenceExample({ context: { id: 8 }, featureLists: { tokens: [['c', 'd']], pairs: [] } }),
  ];

  test('inferSequenceSchema tells kinds and the shape of a step', () => {
    expect(inferSequenceSchema(records)).toEqual({
      context: {
        features: [
          { name: 'id', kind: 'int64', shape: [], nullable: true },
          { name: 'name', kind: 'bytes', shape: [], nullable: true },
        ],
      },
      featureLists: {
        features: [
          { name: 'tokens', kind: 'bytes', shape: 'ragged', nullable: true },
          { name: 'pairs', kind: 'int64', shape: [2], nullable: true },
        ],
      },
    });
  });

  test('flattenSequence puts the values of all steps one behind the other', () => {
    const flat = records.map((record) => JSON.parse(recordToJson(flattenSequence(record))));
    expect(flat).toEqual([
      { id: 7, name: 'x', 'tokens[]': ['a', 'b'], 'pairs[]': [1, 2, 3, 4] },
      { id: 8, 'tokens[]': ['c', 'd'], 'pairs[]': [] },
    ]);
    expect(decodeExample(flattenSequence(records[0]!))).toHaveProperty('id', 7);
  });

  test('a list of two kinds is refused', () => {
    const one = encodeSequenceExample({ featureLists: { x: [1] } });
    const other = encodeSequenceExample({ featureLists: { x: ['a'] } });
    expect(() => inferSequenceSchema([one, other])).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'x' }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSequences } from '../../src/records/sequence-columns.js';
import {
  decodeSequenceExample,
  encodeSequenceExample,
  type SequenceSchema,
} from '../../src/records/sequence-example.js';
import { hasFeatureLists } from '../../src/records/sequence-parse.js';
import { bytesFeature, concat, entry, example, field, float32, floatFeature, int64Feature, utf8 } from './builders.js';
import { edit, edits } from './example-arbitrary.js';

const listEntry = (key: string, ...features: Uint8Array[]): Uint8Array =>
  field(1, field(1, utf8(key)), field(2, ...features.map((f) => field(1, f))));

const schema: SequenceSchema = {
  context: { features: [{ name: 'user', kind: 'int64', shape: [] }] },
  featureLists: {
    features: [
      { name: 'words', kind: 'bytes', shape: 'ragged' },
      { name: 'pos', kind: 'float', shape: [2], nullable: true },
      { name: 'tag', kind: 'int64', shape: [], default: 0 },
    ],
  },
};
const BYTES = concat(
  example(entry('user', int64Feature(5))),
  field(
    2,
    listEntry('words', bytesFeature('a', 'b'), bytesFeature()),
    listEntry('pos', floatFeature(1, 2), new Uint8Array(0)),
    listEntry('tag', int64Feature(1), int64Feature(2)),
  ),
);
const ROW = {
  context: { user: 5 },
  featureLists: { words: [[utf8('a'), utf8('b')], []], pos: [[1, 2], null], tag: [1, 2] },
};

describe('encode', () => {
  test('writes the bytes that TensorFlow writes', () => {
    expect(encodeSequenceExample(ROW, schema)).toEqual(BYTES);
  });

  test('without a schema kinds are told from the values, over all steps of a list', () => {
    const bytes = encodeSequenceExample({ context: { a: 1 }, featureLists: { f: [1, 2.5], i: [[1, 2], 3], s: ['x'] } });
    const lists = [
      listEntry('f', floatFeature(1), floatFeature(2.5)),
      listEntry('i', int64Feature(1, 2), int64Feature(3)),
      listEntry('s', bytesFeature('x')),
    ];
    expect(bytes).toEqual(concat(example(entry('a', int64Feature(1))), field(2, ...lists)));
  });

  test('what does not fit the schema is a mismatch', () => {
    const wrong = [
      { words: [], pos: [[1]], tag: [] },
      { words: 'no steps' as unknown as [], pos: [], tag: [] },
    ];
    for (const featureLists of wrong) {
      expect(() => encodeSequenceExample({ context: { user: 1 }, featureLists }, schema)).toThrow(
        expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH' }),
      );
    }
  });
});

describe('decode', () => {
  test('to an object, with a schema and without', () => {
    expect(decodeSequenceExample(BYTES, schema)).toEqual(ROW);
    expect(decodeSequenceExample(BYTES)).toEqual({
      context: { user: 5 },
      featureLists: { words: [[utf8('a'), utf8('b')], []], pos: [[1, 2], []], tag: [1, 2] },
    });
  });

  test('to columns: steps lie flat, offsets say whose they are', () => {
    const empty = concat(example(entry('user', int64Feature(6))), field(2, listEntry('words')));
    const batch = decodeSequences([BYTES, empty, BYTES], schema);
    expect(batch.context.columns.user).toMatchObject({ values: Float64Array.of(5, 6, 5) });
    expect(batch.featureLists.words).toMatchObject({
      offsets: Int32Array.of(0, 2, 2, 4),
      column: { layout: 'bytes', rowOffsets: Int32Array.of(0, 2, 2, 4, 4), data: utf8('abab') },
    });
    expect(batch.featureLists.pos).toMatchObject({
      offsets: Int32Array.of(0, 2, 2, 4),
      column: { values: Float32Array.of(1, 2, 0, 0, 1, 2, 0, 0), validity: Uint8Array.of(0b0101) },
    });
    expect(batch.featureLists.tag).toMatchObject({ column: { values: Float64Array.of(1, 2, 1, 2) } });
  });

  test('repeated messages merge, of repeated lists the last wins', () => {
    const bytes = concat(
      field(
        2,
        listEntry('x', int64Feature(9)),
        field(1, field(2, field(1, int64Feature(1))), field(1, utf8('x')), field(2, field(1, int64Feature(2)))),
      ),
      field(1, entry('a', int64Feature(1))),
      field(2, listEntry('y', floatFeature(1))),
      field(1, entry('b', field(2, field(1, float32(2))))),
    );
    expect(decodeSequenceExample(bytes)).toEqual({ context: { a: 1, b: 2 }, featureLists: { x: [1, 2], y: [1] } });
  });

  test('an absent list is a mismatch, unless it is nullable or has a default', () => {
    const bytes = example(entry('user', int64Feature(1)));
    expect(() => decodeSequenceExample(bytes, schema)).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'words' }),
    );
    const features = schema.featureLists.features.slice(1);
    expect(decodeSequenceExample(bytes, { featureLists: { features } })).toEqual({
      context: {},
      featureLists: { pos: [], tag: [] },
    });
  });

  test('damaged bytes are an error with a code, or something else that is valid', () => {
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = edit(BYTES, changes);
        try {
          decodeSequenceExample(bytes, schema);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/MALFORMED_EXAMPLE|SCHEMA_MISMATCH/) });
        }
      }),
      { numRuns: 2000 },
    );
    for (let end = 1; end < BYTES.length; end++) {
      const whole = end === BYTES.length || end === example(entry('user', int64Feature(5))).length;
      const decode = (): unknown => decodeSequenceExample(BYTES.subarray(0, end));
      if (whole) expect(decode).not.toThrow();
      else expect(decode).toThrow(expect.objectContaining({ code: 'SHARDFEED_MALFORMED_EXAMPLE' }));
    }
  });
});

test('objects survive encode and decode', () => {
  const float = fc.float({ noNaN: true });
  const arbitrary = fc.record({
    context: fc.record({ user: fc.maxSafeInteger() }),
    featureLists: fc.record({
      words: fc.array(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 3 }), { maxLength: 4 }),
      pos: fc.array(fc.option(fc.tuple(float, float)), { maxLength: 4 }),
      tag: fc.array(fc.maxSafeInteger(), { maxLength: 4 }),
    }),
  });
  fc.assert(
    fc.property(arbitrary, (row) => {
      expect(decodeSequenceExample(encodeSequenceExample(row, schema), schema)).toEqual(row);
    }),
  );
});

test('feature lists tell a SequenceExample from an Example', () => {
  expect(hasFeatureLists(BYTES)).toBe(true);
  expect(hasFeatureLists(encodeSequenceExample({ featureLists: {} }))).toBe(true);
  expect(hasFeatureLists(example(entry('user', int64Feature(5))))).toBe(false);
});

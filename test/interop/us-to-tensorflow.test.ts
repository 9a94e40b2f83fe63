import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeRecords } from '../../src/dataset/index.js';
import {
  encodeExample,
  encodeSequenceExample,
  type Schema,
  type SequenceRow,
  type SequenceSchema,
} from '../../src/records/index.js';
import { canonicalRow } from './canonical.js';
import {
  type CanonicalExample,
  type CanonicalFeature,
  type CanonicalSequence,
  type ReadJob,
  type ReadResult,
  tensorflowReads,
} from './tensorflow.js';

const SCHEMA: Schema = {
  features: [
    { name: 'one int', kind: 'int64', shape: [] },
    { name: 'ints', kind: 'int64', shape: 'ragged' },
    { name: 'matrix', kind: 'int64', shape: [2, 2] },
    { name: 'one float é', kind: 'float', shape: [] },
    { name: 'floats', kind: 'float', shape: 'ragged' },
    { name: 'one text 日本', kind: 'bytes', shape: [] },
    { name: 'texts', kind: 'bytes', shape: 'ragged' },
  ],
};

const INTS = [0n, -1n, 127n, 128n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const FLOATS = [0, -0, 2 ** -149, -(2 ** -149), 2 ** -126, Math.fround(3.4028234e38), Math.fround(0.1)];
const SPECIALS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const TEXTS = ['', 'a', 'žluťoučký 日本 🚲', '\u0000', 'x'.repeat(20_000)].map((text) => Buffer.from(text));

const int64 = fc.oneof(fc.constantFrom(...INTS), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const float = fc.oneof(fc.constantFrom(...FLOATS, ...SPECIALS), fc.float());
const bytes = fc.oneof(
  fc.constantFrom(...TEXTS, Buffer.from([0xff, 0xfe, 0, 0x80])),
  fc.uint8Array({ maxLength: 300 }),
);
const arbitraryRow = fc.record({
  'one int': int64,
  ints: fc.array(int64, { maxLength: 40 }),
  matrix: fc.array(int64, { minLength: 4, maxLength: 4 }),
  'one float é': float,
  floats: fc.array(float, { maxLength: 40 }),
  'one text 日本': bytes,
  texts: fc.array(bytes, { maxLength: 5 }),
});

const SEQUENCE: SequenceSchema = {
  context: { features: [SCHEMA.features[0]!, SCHEMA.features[6]!] },
  featureLists: { features: [SCHEMA.features[1]!, SCHEMA.features[3]!, SCHEMA.features[5]!] },
};
const arbitrarySequence = fc.record({
  context: fc.record({ 'one int': int64, texts: fc.array(bytes, { maxLength: 3 }) }),
  featureLists: fc.record({
    ints: fc.array(fc.array(int64, { maxLength: 4 }), { maxLength: 5 }),
    'one float é': fc.array(float, { maxLength: 5 }),
    'one text 日本': fc.array(bytes, { maxLength: 5 }),
  }),
});

/** What TensorFlow must find in a sequence: each step of a list is a feature of its own. */
function canonicalSequence({ context, featureLists }: SequenceRow): CanonicalSequence {
  const steps = SEQUENCE.featureLists.features.map((feature): [string, CanonicalFeature[]] => [
    feature.name,
    featureLists[feature.name]!.map(
      (step) => canonicalRow({ features: [feature] }, { [feature.name]: step })[feature.name]!,
    ),
  ]);
  return { context: canonicalRow(SEQUENCE.context!, context ?? {}), lists: Object.fromEntries(steps) };
}

describe('what we write', () => {
  const rows = fc.sample(arbitraryRow, { numRuns: 1500, seed: 1 });
  const sequences = fc.sample(arbitrarySequence, { numRuns: 500, seed: 2 });
  const expected = rows.map((row) => canonicalRow(SCHEMA, row));
  let folder: string;
  let results: ReadResult[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shardfeed-interop-'));
    const jobs: ReadJob[] = [];
    for (const [compression, codec] of [
      ['plain', 'none'],
      ['gzip', 'gzip'],
      ['zlib', 'zlib'],
    ] as const) {
      const path = join(folder, compression);
      await writeRecords(
        path,
        rows.map((row) => encodeExample(row, SCHEMA)),
        { codec },
      );
      jobs.push({ paths: [path], compression, schema: SCHEMA });
      await writeRecords(
        `${path}-sequences`,
        sequences.map((row) => encodeSequenceExample(row, SEQUENCE)),
        { codec },
      );
      jobs.push({ paths: [`${path}-sequences`], compression, kind: 'sequence' });
      await writeRecords(`${path}-none`, [], { codec });
      jobs.push({ paths: [`${path}-none`], compression, kind: 'count' });
    }
    results = await tensorflowReads(jobs);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The results of each third job: of the Examples, of the SequenceExamples, of the empty files. */
  const every = (which: 0 | 1 | 2): ReadResult[] => {
    const some = results.filter((_, i) => i % 3 === which);
    expect(some.length).toBe(3);
    return some;
  };

  it('is the same record by record to TensorFlow: plain, gzip, zlib', () => {
    for (const { records } of every(0)) expect(records).toEqual(expected);
  });

  it("is the same to TensorFlow's vectorised parser", () => {
    const columns = Object.fromEntries(
      SCHEMA.features.map(({ name }) => [name, (expected as CanonicalExample[]).map((row) => row[name]![1])]),
    );
    for (const result of every(0)) expect(result.columns).toEqual(columns);
  });

  it('is the same as SequenceExamples', () => {
    for (const { records } of every(1)) expect(records).toEqual(sequences.map(canonicalSequence));
  });

  it('may hold no record', () => {
    for (const { count } of every(2)) expect(count).toBe(0);
  });
});

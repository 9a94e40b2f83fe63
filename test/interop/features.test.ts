import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileFeatures, type FeatureSpec } from '../../src/dataset/index.js';
import type { Feature } from '../../src/records/index.js';
import { cellOf, rowsToBatch } from '../../src/records/index.js';
import { canonicalRow } from './canonical.js';
import { withTempFolder } from './tensorflow.js';

const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('tensorflow_features.py', import.meta.url));

type Value = number | bigint | string | Uint8Array;
interface Given {
  kind: Feature['kind'];
  rows: readonly (readonly Value[])[];
  ragged?: boolean;
}
interface Case {
  name: string;
  given: readonly Given[];
  spec: FeatureSpec;
  /** Beside the columns. */
  job: Record<string, unknown>;
}

const LONGEST = 300;
const bytesValue = fc.oneof(
  fc.constantFrom('', 'a', 'žluťoučký 日本 🚲', '\u0000', '0', '-1').map((text) => Buffer.from(text)),
  fc.constant(Uint8Array.of(0xff, 0xfe, 0, 0x80)),
  fc.uint8Array({ maxLength: LONGEST }),
);
const everyLength = Array.from({ length: LONGEST }, (_, n) => Uint8Array.from({ length: n }, (_, i) => i * 37 + n));
const EXTREMES = [0n, -1n, 1n, 9n, 10n, -10n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const int64Value = fc.oneof(
  fc.constantFrom(...EXTREMES),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -1000n, max: 1000n }),
);
const SPECIALS = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** -126, 3.4028234e38];
// TensorFlow's kernels take subnormal numbers for zero.
const floatValue = fc
  .oneof(fc.constantFrom(...SPECIALS.map(Math.fround)), fc.float(), fc.float({ min: -4, max: 4 }))
  .filter((x) => x === 0 || !(Math.abs(x) < 2 ** -126));

let seed = 1;
const sample = <T>(value: fc.Arbitrary<T>, numRuns = 1500): T[] => fc.sample(value, { numRuns, seed: seed++ });
const scalars = (values: readonly Value[]): Value[][] => values.map((value) => [value]);
const lists = <T>(value: fc.Arbitrary<T>, numRuns = 500): T[][] => sample(fc.array(value, { maxLength: 5 }), numRuns);

const words: Given = { kind: 'bytes', rows: scalars([...everyLength, ...sample(bytesValue)]) };
const wordLists: Given = { kind: 'bytes', rows: lists(bytesValue), ragged: true };
const ints: Given = { kind: 'int64', rows: scalars([...EXTREMES, ...sample(int64Value)]) };
const intLists: Given = { kind: 'int64', rows: lists(int64Value), ragged: true };
const floats: Given = { kind: 'float', rows: scalars([...SPECIALS.map(Math.fround), 0.1, 0.7, ...sample(floatValue)]) };
const classes: Given = { kind: 'int64', rows: scalars(sample(fc.bigInt({ min: -3n, max: 12n }))) };
const classLists: Given = { kind: 'int64', rows: lists(fc.bigInt({ min: 0n, max: 9n })), ragged: true };
const small: Given = { kind: 'int64', rows: scalars(sample(fc.bigInt({ min: -(2n ** 24n), max: 2n ** 24n }))) };

const cases: Case[] = [];
const add = (name: string, given: Given | readonly Given[], spec: FeatureSpec, job = {}): void => {
  cases.push({ name, given: [given].flat() as Given[], spec, job });
};
for (const buckets of [1, 2, 7, 1000, 2 ** 31 - 1]) {
  add(`bytes in ${buckets} buckets`, words, { op: 'hashBucket', column: 'c0', buckets }, { buckets });
  add(`int64 in ${buckets} buckets`, ints, { op: 'hashBucket', column: 'c0', buckets }, { buckets });
}
for (const given of [wordLists, intLists]) {
  add(`lists of ${given.kind} in buckets`, given, { op: 'hashBucket', column: 'c0', buckets: 100 }, { buckets: 100 });
}
const boundaries = [-1000, -1.5, -1, 0, 0.1, 0.7, 0.7, 1, 3, 65536];
add('float in ranges', floats, { op: 'bucketize', column: 'c0', boundaries }, { boundaries });
add('int64 in ranges', small, { op: 'bucketize', column: 'c0', boundaries }, { boundaries });
for (const given of [floats, small]) {
  add(
    `${given.kind} normalised`,
    given,
    { op: 'normalize', column: 'c0', mean: 0.5, std: 1.5 },
    { mean: 0.5, std: 1.5 },
  );
}
add('classes one-hot', classes, { op: 'oneHot', column: 'c0', depth: 10 }, { depth: 10 });
for (const count of [false, true]) {
  const job = { depth: 10, count };
  add(`classes multi-hot, count ${count}`, classLists, { op: 'multiHot', column: 'c0', ...job }, job);
}
const known = [...new Set(['', 'a', '0', '日本', ...sample(fc.string({ minLength: 2 }), 40)])];
const textRows = scalars([...known.map((text) => Buffer.from(text)), ...sample(bytesValue)]);
for (const outOfVocabulary of [1, 3]) {
  const spec = { op: 'vocabulary', column: 'c0', outOfVocabulary } as const;
  const text: Given = { kind: 'bytes', rows: textRows };
  add(`text in a list, ${outOfVocabulary} unknown`, text, { ...spec, values: known }, { list: known, outOfVocabulary });
  const numbers = [7, 0, -5, 100, 2 ** 40];
  add(
    `int64 in a list, ${outOfVocabulary} unknown`,
    ints,
    { ...spec, values: numbers },
    { list: numbers, outOfVocabulary },
  );
}
const pairs = (rows: readonly Value[][], n: number): Value[][] => rows.slice(0, n);
const [someWords, someInts] = [pairs(words.rows as Value[][], 900), pairs(ints.rows as Value[][], 900)];
for (const buckets of [5, 1_000_003]) {
  const crossed = (columns: readonly Given[]): FeatureSpec => ({
    op: 'cross',
    columns: columns.map((_, i) => `c${i}`),
    buckets,
    as: 'c0',
  });
  const wordsAndInts: Given[] = [
    { kind: 'bytes', rows: someWords },
    { kind: 'int64', rows: someInts },
    { kind: 'bytes', rows: someWords.toReversed() },
  ];
  add(`bytes, int64 and bytes crossed in ${buckets}`, wordsAndInts, crossed(wordsAndInts), { buckets });
  const listsCrossed: Given[] = [wordLists, intLists, { kind: 'int64', rows: ints.rows.slice(0, 500) }];
  add(`lists crossed in ${buckets}`, listsCrossed, crossed(listsCrossed), { buckets });
}

const feature = ({ kind, ragged }: Given, i: number): Feature => ({
  name: `c${i}`,
  kind,
  shape: ragged ? 'ragged' : [],
});

/** What the columns of a case are to TensorFlow. */
function columnsOf({ given }: Case): unknown[] {
  return given.map((one, i) => {
    const schema = { features: [feature(one, i)] };
    const rows = one.rows.map((row) => canonicalRow(schema, { [`c${i}`]: one.ragged ? row : row[0]! })[`c${i}`]![1]);
    return { kind: one.kind, rows, ragged: one.ragged ?? false };
  });
}

/** What we make of a case: rows of values. */
function ours({ given, spec }: Case): number[][] {
  const schema = { features: given.map(feature) };
  const rows = given[0]!.rows.map((_, r) =>
    Object.fromEntries(given.map((one, i) => [`c${i}`, one.ragged ? one.rows[r]! : one.rows[r]![0]!])),
  );
  const transform = compileFeatures([spec], { schema });
  const { columns, size } = transform(rowsToBatch(rows, schema));
  return Array.from({ length: size }, (_, row) => [cellOf(columns.c0!, row)].flat() as number[]);
}

describe("what TensorFlow's own layers make of the same columns", () => {
  const results = new Map<string, unknown[][]>();
  beforeAll(async () => {
    const jobs = cases.map((one) => {
      const columns = columnsOf(one);
      return { op: one.spec.op, ...(one.spec.op === 'cross' ? { columns } : { column: columns[0] }), ...one.job };
    });
    await withTempFolder(async (folder) => {
      const file = join(folder, 'jobs.json');
      await writeFile(file, JSON.stringify(jobs));
      const { stdout } = await promisify(execFile)(python, [script, file], { maxBuffer: 1 << 30 });
      (JSON.parse(stdout) as unknown[][][]).forEach((result, i) => {
        results.set(cases[i]!.name, result);
      });
    });
  });

  for (const one of cases.filter(({ spec }) => spec.op !== 'normalize')) {
    it(`is what ours are: ${one.name}`, () => {
      expect(ours(one)).toEqual(results.get(one.name));
    });
  }

  for (const one of cases.filter(({ spec }) => spec.op === 'normalize')) {
    it(`is what ours are, up to the rounding of float32: ${one.name}`, () => {
      const theirs = results.get(one.name)!.map(([hex]) => Buffer.from(hex as string, 'hex').readFloatBE());
      ours(one).forEach(([value], i) => {
        const expected = theirs[i]!;
        if (!Number.isFinite(expected)) expect(value).toBe(expected);
        else expect(Math.abs(value! - expected)).toBeLessThanOrEqual(2e-7 * Math.max(1, Math.abs(expected)));
      });
    });
  }
});

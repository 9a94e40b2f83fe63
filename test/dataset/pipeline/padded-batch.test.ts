import { describe, expect, test } from 'vitest';
import { BatchStream, type PaddedBatchOptions } from '../../../src/dataset/pipeline/index.js';
import { type Batch, type Column, rows, rowsToBatch, type Schema } from '../../../src/records/index.js';
import { collect } from '../../support/collect.js';
import { failureOf } from './numbered.js';

const schema: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'tokens', kind: 'int64', shape: 'ragged', nullable: true },
    { name: 'weights', kind: 'float', shape: 'ragged' },
    { name: 'words', kind: 'bytes', shape: 'ragged' },
  ],
};
const batch = rowsToBatch(
  [
    { id: 1, tokens: [1, 2, 3], weights: [0.5], words: ['a', 'bc'] },
    { id: 2, tokens: null, weights: [], words: [] },
    { id: 3, tokens: [4], weights: [1, 2], words: ['', 'd', 'ef'] },
  ],
  schema,
);

function stream(given: Batch = batch) {
  return new BatchStream({
    async *open() {
      yield { ...given, position: { at: 1 } };
    },
  });
}

/** What each row of each column holds, text as text. */
async function padded(options: PaddedBatchOptions): Promise<Record<string, unknown>[]> {
  const [result] = await collect(stream().paddedBatch(options));
  expect(result!.position).toEqual({ at: 1 });
  const plain = (value: unknown): unknown =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : Array.isArray(value) ? value.map(plain) : value;
  return [...rows(result!)].map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, plain(v)])));
}

test('fills rows up to the longest of the batch', async () => {
  expect(await padded({})).toEqual([
    { id: 1n, tokens: [1n, 2n, 3n], weights: [0.5, 0], words: ['a', 'bc', ''] },
    { id: 2n, tokens: null, weights: [0, 0], words: ['', '', ''] },
    { id: 3n, tokens: [4n, 0n, 0n], weights: [1, 2], words: ['', 'd', 'ef'] },
  ]);
});

test('to a length, with a value, and says how many there were', async () => {
  const options: PaddedBatchOptions = {
    length: 4,
    columns: { tokens: { value: -1, lengths: 'n' }, words: { value: 'PAD', length: 2, tooLong: 'truncate' } },
  };
  const [result] = await collect(stream().paddedBatch(options));
  expect(result!.columns.tokens).toEqual({
    layout: 'fixed',
    shape: [4],
    values: BigInt64Array.of(1n, 2n, 3n, -1n, -1n, -1n, -1n, -1n, 4n, -1n, -1n, -1n),
    validity: Uint8Array.of(0b101),
  });
  expect(result!.columns.n).toEqual({ layout: 'fixed', shape: [], values: Float64Array.of(3, 0, 1) });
  expect(result!.columns.weights).toBe(batch.columns.weights);
  expect((await padded(options)).map(({ words }) => words)).toEqual([
    ['a', 'bc'],
    ['PAD', 'PAD'],
    ['', 'd'],
  ]);
});

test('cuts what is too long where that is wanted, in every layout', async () => {
  expect(await padded({ length: 1, tooLong: 'truncate' })).toEqual([
    { id: 1n, tokens: [1n], weights: [0.5], words: ['a'] },
    { id: 2n, tokens: null, weights: [0], words: [''] },
    { id: 3n, tokens: [4n], weights: [1], words: [''] },
  ]);
  expect((await padded({ length: 0, tooLong: 'truncate' }))[0]).toEqual({ id: 1n, tokens: [], weights: [], words: [] });
});

test('int64 as numbers keeps its array type', async () => {
  const tokens: Column = { layout: 'ragged', values: Float64Array.of(7, 8), offsets: Int32Array.of(0, 0, 2) };
  const [result] = await collect(
    stream({ size: 2, columns: { tokens }, mask: Uint8Array.of(1, 1) }).paddedBatch({ value: 5n }),
  );
  expect(result!.columns.tokens).toEqual({ layout: 'fixed', shape: [2], values: Float64Array.of(5, 5, 7, 8) });
});

describe('refuses', () => {
  test.each<[PaddedBatchOptions, string, RegExp]>([
    [
      { length: 2 },
      'SHARDFEED_TOO_LARGE',
      /row 0 of column "tokens" has 3 values, more than 2: .* tooLong: 'truncate'/,
    ],
    [{ columns: { id: {} } }, 'SHARDFEED_USAGE', /column "id" is not ragged/],
    [{ columns: { nothing: {} } }, 'SHARDFEED_USAGE', /column "nothing" is not in the batch/],
    [{ columns: { tokens: { lengths: 'id' } } }, 'SHARDFEED_USAGE', /column "id" is there already/],
    [{ columns: { tokens: { value: 'x' } } }, 'SHARDFEED_USAGE', /holds int64, and cannot be padded with x/],
    [{ columns: { tokens: { value: 0.5 } } }, 'SHARDFEED_USAGE', /cannot be padded with 0.5/],
    [{ columns: { weights: { value: 1n } } }, 'SHARDFEED_USAGE', /holds float, and cannot be padded with 1/],
    [{ columns: { words: { value: 1 } } }, 'SHARDFEED_USAGE', /holds bytes, and cannot be padded with 1/],
  ])('what does not fit (%#)', async (options, code, message) => {
    const error = await failureOf(stream().paddedBatch(options));
    expect(error).toMatchObject({ code, column: expect.any(String), message: expect.stringMatching(message) });
    expect((error as Error).message).toMatch(/^paddedBatch \(operation 1 of the stream\)/);
  });

  test.each([
    { length: -1 },
    { length: 1.5 },
    { tooLong: 'cut' as 'error' },
    { columns: { a: { length: Number.NaN } } },
  ])('a wrong option (%#) at once', (options) => {
    expect(() => stream().paddedBatch(options)).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
  });
});

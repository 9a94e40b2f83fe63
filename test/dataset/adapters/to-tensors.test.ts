import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { type RaggedTensors, type TensorMaker, toTensors } from '../../../src/dataset/adapters/index.js';
import type { Batch, Column } from '../../../src/records/index.js';
import { everyLayout } from './batches.js';

const whole = (tensor: tf.Tensor | RaggedTensors<tf.Tensor>) => tensor as tf.Tensor;
const ragged = (tensor: tf.Tensor | RaggedTensors<tf.Tensor>) => tensor as RaggedTensors<tf.Tensor>;
const int64 = (values: BigInt64Array | Float64Array, shape: number[] = []): Batch => ({
  size: 2,
  columns: { id: { layout: 'fixed', values, shape } },
  mask: Uint8Array.of(1, 1),
});

test('every layout becomes tensors of shape [rows, ...shape]', async () => {
  const { columns, valid, mask } = toTensors(everyLayout(), tf);
  expect(mask).toMatchObject({ dtype: 'bool', shape: [4] });
  expect([...mask.dataSync()]).toEqual([1, 1, 1, 0]);
  expect(whole(columns.id!)).toMatchObject({ dtype: 'int32', shape: [4] });
  expect([...whole(columns.id!).dataSync()]).toEqual([1, -2, 3, 4]);
  expect(whole(columns.score!)).toMatchObject({ dtype: 'float32', shape: [4] });
  expect(whole(columns.grid!).arraySync()).toMatchObject([
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    [
      [6, 5, 4],
      [3, 2, 1],
    ],
    {},
    {},
  ]);
  expect([...ragged(columns.tokens!).values.dataSync()]).toEqual([7, 8, 9]);
  expect([...ragged(columns.tokens!).rowSplits.dataSync()]).toEqual([0, 2, 2, 2, 3]);
  expect(whole(columns.name!)).toMatchObject({ dtype: 'string', shape: [4] });
  expect(whole(columns.pair!).arraySync()).toEqual([
    ['a', 'b'],
    ['', 'é'],
    ['c', 'd'],
    ['e', 'f'],
  ]);
  expect(ragged(columns.words!).values.arraySync()).toEqual(['x', 'yz', '', 'u', 'v', 'w']);
  expect([...ragged(columns.words!).rowSplits.dataSync()]).toEqual([0, 2, 2, 3, 6]);
  expect(Object.entries(valid).map(([name, tensor]) => [name, ...tensor.dataSync()])).toEqual([
    ['score', 1, 0, 1, 1],
    ['tokens', 1, 0, 1, 1],
    ['name', 1, 0, 1, 1],
  ]);
});

test('bytes that are no UTF-8 stay as they are', async () => {
  const data = Uint8Array.of(255, 0, 128);
  const column: Column = { layout: 'bytes', data, offsets: Int32Array.of(0, 1, 3), shape: [] };
  const { columns } = toTensors({ size: 2, columns: { raw: column }, mask: Uint8Array.of(1, 1) }, tf);
  expect((await whole(columns.raw!).bytes()) as unknown).toEqual([data.subarray(0, 1), data.subarray(1)]);
});

test('an empty batch', () => {
  const { columns, mask } = toTensors(
    { size: 0, columns: { a: { layout: 'fixed', values: new Float32Array(0), shape: [3] } }, mask: new Uint8Array(0) },
    tf,
  );
  expect([whole(columns.a!).shape, mask.shape]).toEqual([[0, 3], [0]]);
});

describe('int64 beyond int32', () => {
  test.each<[Batch, number]>([
    [int64(Float64Array.of(2 ** 31 - 1, 2 ** 31)), 1],
    [int64(BigInt64Array.of(-(2n ** 31n) - 1n, 1n)), 0],
    [int64(BigInt64Array.of(1n, 2n, 3n, 2n ** 63n - 1n), [2]), 1],
    [
      {
        size: 3,
        columns: {
          id: { layout: 'ragged', values: Float64Array.of(1, 2, 2 ** 40), offsets: Int32Array.of(0, 2, 2, 3) },
        },
        mask: new Uint8Array(3),
      },
      2,
    ],
  ])('is an error that names column and row (%#)', (batch, row) => {
    expect(() => toTensors(batch, tf)).toThrow(
      expect.objectContaining({
        code: 'SHARDFEED_RANGE',
        column: 'id',
        message: expect.stringContaining(`row ${row} of column "id" holds`),
      }),
    );
  });

  test('can be cast, for one column or all', () => {
    const batch = int64(BigInt64Array.of(2n ** 40n + 5n, -1n));
    const values = (cast: 'float32' | 'int32' | Record<string, 'int32'>) => {
      const tensor = whole(toTensors(batch, tf, { cast }).columns.id!);
      return [tensor.dtype, ...tensor.dataSync()];
    };
    expect(values('float32')).toEqual(['float32', 2 ** 40, -1]);
    expect(values('int32')).toEqual(['int32', 5, -1]);
    expect(values({ id: 'int32' })).toEqual(['int32', 5, -1]);
    const numbers = toTensors(int64(Float64Array.of(-(2 ** 40) - 5, 3)), tf, { cast: 'int32' });
    expect([...whole(numbers.columns.id!).dataSync()]).toEqual([-5, 3]);
    expect(() => toTensors(batch, tf, { cast: { other: 'int32' } })).toThrow();
  });

  test('leaves no tensor behind', () => {
    const { columns } = everyLayout();
    const batch = { ...int64(Float64Array.of(1, 2 ** 40)), size: 2 };
    const before = tf.memory().numTensors;
    expect(() => toTensors({ ...batch, columns: { score: columns.score!, ...batch.columns } }, tf)).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('tf.dispose takes the result', () => {
  const before = tf.memory().numTensors;
  const tensors = toTensors(everyLayout(), tf);
  expect(tf.memory().numTensors).toBeGreaterThan(before);
  tf.dispose(tensors as object as tf.TensorContainer);
  expect(tf.memory().numTensors).toBe(before);
});

test('float32 is not copied on the way', () => {
  const seen: unknown[] = [];
  const maker: TensorMaker<number> = { tensor: (values) => seen.push(values) };
  const batch = everyLayout();
  toTensors(batch, maker);
  const score = batch.columns.score as { values: Float32Array };
  expect(seen.some((values) => values instanceof Float32Array && values.buffer === score.values.buffer)).toBe(true);
});

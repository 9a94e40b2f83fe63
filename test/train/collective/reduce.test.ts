import { expect, test } from 'vitest';
import { divide, reducer } from '../../../src/train/collective/reduce.js';
import type { DataType } from '../../../src/train/collective/transport.js';
import { type ArrayType, TrainMemory } from '../../../src/train/kernel/train-memory.js';
import type { NumericArray } from '../../../src/train/numeric-array.js';
import { randomOf } from '../../random.mjs';

const SPECIAL = [NaN, Infinity, -Infinity, -0, 0, 1e-45, 5e-324, -1e-310, 3e38, -3e38, 1e308, 1];
const TYPES: Record<DataType, ArrayType<NumericArray>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
};
const OPS = {
  sum: (a: number, b: number) => a + b,
  max: (a: number, b: number) => Math.max(a, b),
  min: (a: number, b: number) => Math.min(a, b),
};

const cases = (Object.keys(TYPES) as DataType[]).flatMap((type) =>
  (Object.keys(OPS) as (keyof typeof OPS)[]).map((op) => [type, op] as const),
);

test.each(cases)('%s %s is what a loop over scalars gives, NaN, infinities, -0 and subnormals included', (type, op) => {
  const memory = new TrainMemory();
  const random = randomOf(7);
  const value = () => (random() < 0.5 ? SPECIAL[Math.floor(random() * SPECIAL.length)]! : (random() - 0.5) * 2 ** 32);
  for (const count of [0, 1, 15, 16, 17, 64, 333]) {
    const a = memory.array(TYPES[type], count + 3).map(value) as NumericArray;
    const b = memory.array(TYPES[type], count + 3).map(value) as NumericArray;
    // From the second element on, so that no vector is aligned, and one must not write behind the last.
    const dst = memory.array(TYPES[type], count + 3);
    const src = memory.array(TYPES[type], count + 3);
    dst.set(a);
    src.set(b);
    reducer(memory.kernel, type, op)(
      dst.byteOffset + dst.BYTES_PER_ELEMENT,
      src.byteOffset + src.BYTES_PER_ELEMENT,
      count,
    );
    const expected = a.slice();
    for (let i = 1; i <= count; i++) expected[i] = OPS[op](a[i]!, b[i]!);
    expect([...dst]).toEqual([...expected]);
    expect([...src]).toEqual([...b]);
  }
});

test('a mean divides: floats as the type does, integers towards zero', () => {
  const memory = new TrainMemory();
  const floats = memory.array(Float32Array, 5);
  floats.set([1, -1, 1e-45, Infinity, 0]);
  divide(memory.kernel, 'float32', floats.byteOffset, 3, 5);
  expect([...floats]).toEqual([...new Float32Array([1 / 3, -1 / 3, 0, Infinity, 0])]);
  const doubles = memory.array(Float64Array, 2);
  doubles.set([1, 10]);
  divide(memory.kernel, 'float64', doubles.byteOffset, 3, 2);
  expect([...doubles]).toEqual([1 / 3, 10 / 3]);
  const integers = memory.array(Int32Array, 3);
  integers.set([7, -7, 2]);
  divide(memory.kernel, 'int32', integers.byteOffset, 3, 3);
  expect([...integers]).toEqual([2, -2, 0]);
});

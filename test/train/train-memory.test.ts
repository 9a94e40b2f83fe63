import { expect, test } from 'vitest';
import { ShardfeedError } from '../../src/errors.js';
import { kernelOn, TrainMemory } from '../../src/train/kernel/train-memory.js';

test('arrays are zeroed, apart, aligned, and known as the memory’s own after it has grown', () => {
  const memory = new TrainMemory();
  const small = memory.array(Float32Array, 3);
  const large = memory.array(Float64Array, 1 << 20);
  expect([...small]).toEqual([0, 0, 0]);
  expect(small.byteOffset % 64).toBe(0);
  expect(large.byteOffset).toBeGreaterThanOrEqual(small.byteOffset + small.byteLength);
  expect(memory.holds(small.subarray(1))).toBe(true);
  expect(memory.holds(large)).toBe(true);
  expect(memory.holds(new Float32Array(3))).toBe(false);
  expect(memory.holds(new TrainMemory().array(Float32Array, 3))).toBe(false);
});

test('another instance of the kernel works on the same numbers', () => {
  const memory = new TrainMemory();
  const sum = memory.array(Float32Array, 21).fill(1);
  const other = memory.array(Float32Array, 21).map((_, i) => i);
  memory.array(Float32Array, 1 << 18);
  const source = memory.array(Float32Array, 21);
  source.set(other);
  kernelOn(memory.wasm).sumF32!(sum.byteOffset, source.byteOffset, 21);
  expect([...sum]).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
});

test('more than 2 GiB is refused', () => {
  expect(() => new TrainMemory().alloc(2 ** 31)).toThrowError(ShardfeedError);
});

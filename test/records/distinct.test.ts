import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DISTINCT_REGISTERS, estimateDistinct, mergeDistinct, noteDistinct } from '../../src/records/distinct.js';
import { Kernel } from '../../src/records/kernel/kernel.js';
import { xxh64 } from '../../src/records/xxh64.js';

/** Hashes of the numbers [from, to) noted by the kernel. */
function count(from: number, to: number, salt = 0): Uint8Array {
  const kernel = new Kernel();
  const registers = kernel.alloc(DISTINCT_REGISTERS);
  kernel.u8.fill(0, registers, registers + DISTINCT_REGISTERS);
  const out = kernel.alloc(8);
  const number = kernel.alloc(8);
  for (let i = from; i < to; i++) {
    kernel.view.setFloat64(number, i, true);
    kernel.exports.xxh64At!(number, 8, salt, out);
    kernel.exports.distinctAdd!(registers, out, 1);
  }
  return kernel.u8.slice(registers, registers + DISTINCT_REGISTERS);
}

test('the estimate is within 2 % at 10^6 and wherever else it is looked at', () => {
  for (const n of [0, 1, 2, 3, 100, 5_000, 70_000, 300_000]) {
    for (const salt of [1, 2, 3]) {
      const estimate = estimateDistinct(count(0, n, salt));
      expect(Math.abs(estimate - n)).toBeLessThanOrEqual(Math.max(n * 0.02, n < 500 ? 1 : 0));
    }
  }
  for (const salt of [1, 2, 3, 4]) {
    const estimate = estimateDistinct(count(0, 1_000_000, salt));
    expect(Math.abs(estimate - 1e6)).toBeLessThanOrEqual(2e4);
  }
});

test('merged registers are those of the union, in any order', () => {
  const parts = [count(0, 40_000), count(30_000, 90_000), count(85_000, 100_000)];
  const all = count(0, 100_000);
  for (const order of [
    [0, 1, 2],
    [2, 0, 1],
    [1, 2, 0],
  ]) {
    const merged = new Uint8Array(DISTINCT_REGISTERS);
    for (const i of order) mergeDistinct(merged, parts[i]!);
    expect(merged).toEqual(all);
  }
});

test('kernel and twin keep the same registers', () => {
  const bits = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  // Hashes that share a register and have few bits behind its number, so that every rank and order of ranks occurs.
  const crowded = fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 49 }), bits)
    .map(([register, shift, tail]) => (BigInt(register) << 49n) | ((tail & ((1n << 49n) - 1n)) >> BigInt(shift)));
  const kernel = new Kernel();
  const registers = kernel.alloc(DISTINCT_REGISTERS);
  fc.assert(
    fc.property(fc.array(fc.oneof(bits, crowded), { maxLength: 100 }), (hashes) => {
      kernel.u8.fill(0, registers, registers + DISTINCT_REGISTERS);
      const mark = kernel.mark();
      const at = kernel.put(new Uint8Array(BigUint64Array.from(hashes).buffer));
      kernel.exports.distinctAdd!(registers, at, hashes.length);
      const twin = new Uint8Array(DISTINCT_REGISTERS);
      for (const hash of hashes) noteDistinct(twin, hash);
      const borrowed = kernel.u8.subarray(registers, registers + DISTINCT_REGISTERS);
      expect(Buffer.compare(borrowed, twin)).toBe(0);
      kernel.release(mark);
    }),
  );
});

test('hashes of real values fill the registers evenly', () => {
  const seen = new Set<number>();
  for (let i = 0; i < 3000; i++) seen.add(Number(xxh64(new Uint8Array([i & 255, i >> 8])) >> 49n));
  // 3000 balls into 32768 bins leave about 2865 bins used.
  expect(seen.size).toBeGreaterThan(2800);
});

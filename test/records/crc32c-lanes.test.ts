import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '../../src/records/crc32c.js';
import { Kernel } from '../../src/records/kernel/kernel.js';

const kernel = new Kernel();
const table = kernel.alloc(3 * 64);
const SIZE = 1 << 20;
const base = kernel.alloc(SIZE);
const bytes = kernel.u8.subarray(base, base + SIZE);
for (let i = 0, x = 1; i < SIZE; i++) {
  x = (Math.imul(x, 1103515245) + 12345) >>> 0;
  bytes[i] = x >>> 24;
}

/** CRCs of runs side by side; undefined where the kernel leaves them to another way. */
function lanes(runs: readonly { at: number; length: number }[]): number[] | undefined {
  runs.forEach(({ at, length }, i) => {
    kernel.view.setUint32(table + 4 * i, at, true);
    kernel.view.setUint32(table + 64 + 4 * i, length, true);
  });
  const done = kernel.exports.crc32cLanes!(base, table, table + 64, runs.length, table + 128);
  return done === 0 ? undefined : runs.map((_, i) => kernel.view.getUint32(table + 128 + 4 * i, true));
}

const expected = (runs: readonly { at: number; length: number }[]): number[] =>
  runs.map(({ at, length }) => crc32c(bytes.subarray(at, at + length)));

test('runs of like lengths are checked side by side, in any number up to sixteen', () => {
  let together = 0;
  const run = fc.record({ at: fc.nat(500_000), more: fc.nat(200) });
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 3000 }), fc.array(run, { minLength: 1, maxLength: 16 }), (least, list) => {
      const runs = list.map(({ at, more }) => ({ at, length: least + more }));
      const crcs = lanes(runs);
      if (crcs === undefined) return;
      together++;
      expect(crcs).toEqual(expected(runs));
    }),
    { numRuns: 500 },
  );
  expect(together).toBeGreaterThan(50);
});

test('runs of very different lengths, or short ones, are left to another way', () => {
  const sixteen = (lengths: (i: number) => number) =>
    Array.from({ length: 16 }, (_, i) => ({ at: i, length: lengths(i) }));
  expect(lanes(sixteen((i) => 16 + i))).toEqual(expected(sixteen((i) => 16 + i)));
  expect(lanes(sixteen((i) => 15 + i))).toBeUndefined();
  expect(lanes(sixteen((i) => (i === 0 ? 100_000 : 100)))).toBeUndefined();
  expect(lanes(sixteen((i) => 2000 + 64 * i))).toEqual(expected(sixteen((i) => 2000 + 64 * i)));
  expect(lanes(sixteen((i) => 3000 + 70 * i))).toBeUndefined();
});

test('one long run is checked in stripes', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.integer({ min: 4096, max: SIZE - 1000 }), (at, length) => {
      const crc = kernel.exports.crc32cLong!(base + at, length) >>> 0;
      expect(crc).toBe(crc32c(bytes.subarray(at, at + length)));
    }),
    { numRuns: 60 },
  );
});

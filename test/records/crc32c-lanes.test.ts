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
function lanes(
  runs: readonly { at: number; length: number }[],
  kernelOf: 'crc32cLanes' | 'crc32cFolded' = 'crc32cLanes',
): number[] | undefined {
  runs.forEach(({ at, length }, i) => {
    kernel.view.setUint32(table + 4 * i, at, true);
    kernel.view.setUint32(table + 64 + 4 * i, length, true);
  });
  const done = kernel.exports[kernelOf]!(base, table, table + 64, runs.length, table + 128);
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

test('long runs of any lengths are folded, side by side', () => {
  const run = fc.record({ at: fc.nat(500_000), length: fc.integer({ min: 256, max: 5000 }) });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 16 }), (runs) => {
      expect(lanes(runs, 'crc32cFolded')).toEqual(expected(runs));
    }),
    { numRuns: 200 },
  );
  expect(lanes([{ at: 0, length: 255 }], 'crc32cFolded')).toBeUndefined();
});

test('one long run is folded', () => {
  const check = (at: number, length: number): void => {
    const crc = kernel.exports.crc32cLong!(base + at, length) >>> 0;
    expect(crc).toBe(crc32c(bytes.subarray(at, at + length)));
  };
  for (let length = 128; length < 300; length++) check(length, length);
  const length = fc.integer({ min: 128, max: SIZE - 1000 });
  fc.assert(fc.property(fc.nat(1000), length, check), { numRuns: 60 });
});

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; Random123): numbers by counter, so that what a row of
// a step gets does not depend on who computes it.

import { lanes, read, write } from './lanes';

const M0: u32 = 0xd2511f53;
const M1: u32 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9;
const W1: u32 = 0xbb67ae85;

/**
 * The first `count` (at most 16) words of four blocks, whose counters are (c0 + i, c1, c2, c3), to `target`: the first words of the four, then
 * their second words, and so on.
 */
export function philox(target: usize, count: usize, c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): void {
  let x0 = i32x4.add(i32x4.splat(c0), i32x4(0, 1, 2, 3));
  let x1 = i32x4.splat(c1);
  let x2 = i32x4.splat(c2);
  let x3 = i32x4.splat(c3);
  const m0 = i32x4.splat(M0);
  const m1 = i32x4.splat(M1);
  for (let round = 0; round < 10; round++) {
    const even0 = i64x2.extmul_low_i32x4_u(m0, x0);
    const odd0 = i64x2.extmul_high_i32x4_u(m0, x0);
    const even1 = i64x2.extmul_low_i32x4_u(m1, x2);
    const odd1 = i64x2.extmul_high_i32x4_u(m1, x2);
    x0 = v128.xor(v128.xor(v128.shuffle<i32>(even1, odd1, 1, 3, 5, 7), x1), i32x4.splat(k0));
    x1 = v128.shuffle<i32>(even1, odd1, 0, 2, 4, 6);
    x2 = v128.xor(v128.xor(v128.shuffle<i32>(even0, odd0, 1, 3, 5, 7), x3), i32x4.splat(k1));
    x3 = v128.shuffle<i32>(even0, odd0, 0, 2, 4, 6);
    k0 += W0;
    k1 += W1;
  }
  write(target, lanes(count), x0);
  if (count > 4) write(target + 16, lanes(count - 4), x1);
  if (count > 8) write(target + 32, lanes(count - 8), x2);
  if (count > 12) write(target + 48, lanes(count - 12), x3);
}

/**
 * Rows of `columns` numbers in [0, 1), multiples of 2^-24. Value j of a row is word (j >> 2) & 3 of block 4 (j >> 4) + (j & 3); a block's
 * counter is (block, row, step, seedHigh), its key (seedLow, layer).
 */
export function fillUniform(
  target: usize,
  rows: u32,
  columns: u32,
  firstRow: u32,
  step: u32,
  layer: u32,
  seedLow: u32,
  seedHigh: u32,
): void {
  fillWords(target, rows, columns, firstRow, step, layer, seedLow, seedHigh);
  const count = <usize>rows * columns;
  for (let i: usize = 0; i < count; i += 4) {
    const at = target + (i << 2);
    const n = lanes(count - i);
    const bits = f32x4.convert_i32x4_u(i32x4.shr_u(read(at, n), 8));
    write(at, n, f32x4.mul(bits, f32x4.splat(<f32>(1.0 / 16777216.0))));
  }
}

/** The same words, but `value` where they are at least `threshold`, else 0: dropout's factors. */
export function fillBernoulli(
  target: usize,
  rows: u32,
  columns: u32,
  firstRow: u32,
  step: u32,
  layer: u32,
  seedLow: u32,
  seedHigh: u32,
  threshold: u32,
  value: f32,
): void {
  fillWords(target, rows, columns, firstRow, step, layer, seedLow, seedHigh);
  const count = <usize>rows * columns;
  for (let i: usize = 0; i < count; i += 4) {
    const at = target + (i << 2);
    const n = lanes(count - i);
    write(at, n, v128.and(i32x4.ge_u(read(at, n), i32x4.splat(threshold)), f32x4.splat(value)));
  }
}

function fillWords(
  target: usize,
  rows: u32,
  columns: u32,
  firstRow: u32,
  step: u32,
  layer: u32,
  seedLow: u32,
  seedHigh: u32,
): void {
  for (let row: u32 = 0; row < rows; row++) {
    for (let j: u32 = 0; j < columns; j += 16) {
      const count = columns - j < 16 ? columns - j : 16;
      philox(target, count, j >> 2, firstRow + row, step, seedHigh, seedLow, layer);
      target += <usize>count << 2;
    }
  }
}

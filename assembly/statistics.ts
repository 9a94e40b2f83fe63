// One-pass statistics of a column. All that is kept is a function of the set of blocks seen, whatever their order: integer
// sums, extremes, UltraLogLog registers, an exact dictionary while there are few distinct values, and a sample
// (statistics-sample.ts).
//
// The other side is src/dataset/statistics-collector.ts; the twin is src/dataset/statistics-twin.ts.
import {
  C_KIND,
  C_OFFSETS,
  C_ROW_OFFSETS,
  C_VALIDITY,
  C_VALUES,
  C_WIDTH,
  KIND_BYTES,
  KIND_FLOAT,
  KIND_INT64,
  RAGGED,
} from './column';
import { distinctInit, distinctNote, hashBytes, hashU32, hashU64 } from './hash';
import { beginBlock, blockRowsOf, endBlock, gatheredPlace, gatherKeys, gatherValue, wantsValue } from './statistics-sample';
import {
  putRecord,
  RECORD,
  S_BINS,
  S_ENTRIES,
  S_ENTRIES_CAP,
  S_LIST_MAX,
  S_LIST_MIN,
  S_MAX,
  S_MIN,
  S_MISSING,
  S_NAN,
  S_NEGATIVE_INFINITY,
  S_OVERFLOWED,
  S_POSITIVE_INFINITY,
  S_RECORDS,
  S_REGISTERS,
  S_SLOTS,
  S_SLOT_MASK,
  S_SQUARE_0,
  S_SQUARE_1,
  S_SQUARE_2,
  S_SUM_HIGH,
  S_SUM_LOW,
  S_VALUES,
  X_HASHES,
  X_KEYS,
  X_LENGTHS,
  X_NOTED,
  X_POINTERS,
  X_SLICE,
  X_SUMS,
  X_VALUES,
} from './statistics-state';

/** Numbers looked at together, in one pass after the other. */
const SLICE: u32 = 256;

/** Takes in `rows` rows of a column, the first of which has this ordinal in the dataset. */
export function statisticsUpdate(
  column: usize,
  state: usize,
  rows: u32,
  ordinalLow: u32,
  ordinalHigh: u32,
  scratch: usize,
): void {
  distinctInit();
  const ordinal = ((ordinalHigh as u64) << 32) | ordinalLow;
  const blockRows = blockRowsOf(load<u32>(column, C_WIDTH));
  const blocks = (rows + blockRows - 1) / blockRows;
  for (let i: u32 = 0; i < blocks; i++) {
    // Blocks of equal size rather than a short last one.
    const from = ((i as u64) * rows) / blocks;
    const to = (((i + 1) as u64) * rows) / blocks;
    updateBlock(column, state, from as u32, to as u32, ordinal + from, blockRows, scratch);
  }
}

function updateBlock(
  column: usize,
  state: usize,
  from: u32,
  to: u32,
  ordinal: u64,
  blockRows: u32,
  scratch: usize,
): void {
  const kind = load<u32>(column, C_KIND);
  const width = load<u32>(column, C_WIDTH);
  const values = load<u32>(column, C_VALUES) as usize;
  const rowOffsets = load<u32>(column, C_ROW_OFFSETS) as usize;
  const validity = load<u32>(column, C_VALIDITY) as usize;
  const rows = to - from;
  const missing = countZeros(validity + from, rows);
  if (missing > 0) store<u64>(state, load<u64>(state, S_MISSING) + missing, S_MISSING);
  if (missing == rows) return;

  let count: u32;
  if (width != RAGGED) {
    count = (rows - missing) * width;
    noteList(state, width);
  } else {
    count = 0;
    for (let row = from; row < to; row++) {
      if (load<u8>(validity + row) == 0) continue;
      const n = load<u32>(rowOffsets + ((row as usize) << 2), 4) - load<u32>(rowOffsets + ((row as usize) << 2));
      noteList(state, n);
      count += n;
    }
  }
  store<u64>(state, load<u64>(state, S_VALUES) + count, S_VALUES);

  beginBlock(state, ordinal, rows, blockRows, count);
  if (missing == 0) {
    const a = width == RAGGED ? load<u32>(rowOffsets + ((from as usize) << 2)) : from * width;
    addValues(kind, column, state, values, a, count, scratch);
  } else if (width == 1 && kind != KIND_BYTES) {
    // Close the holes, then go over the values as if there had been none.
    let k: usize = scratch + X_VALUES;
    if (kind == KIND_FLOAT) {
      for (let row = from; row < to; row++) {
        store<u32>(k, load<u32>(values + ((row as usize) << 2)));
        k += load<u8>(validity + row) != 0 ? 4 : 0;
      }
    } else {
      for (let row = from; row < to; row++) {
        store<u64>(k, load<u64>(values + ((row as usize) << 3)));
        k += load<u8>(validity + row) != 0 ? 8 : 0;
      }
    }
    addValues(kind, column, state, scratch + X_VALUES, 0, count, scratch);
  } else {
    for (let row = from; row < to; row++) {
      if (load<u8>(validity + row) == 0) continue;
      let a = row * width;
      let b = a + width;
      if (width == RAGGED) {
        a = load<u32>(rowOffsets + ((row as usize) << 2));
        b = load<u32>(rowOffsets + ((row as usize) << 2), 4);
      }
      addValues(kind, column, state, values, a, b - a, scratch);
    }
  }
  endBlock(kind, state, scratch);
}

function countZeros(p: usize, n: u32): u32 {
  let zeros: u32 = 0;
  const zero = i8x16.splat(0);
  let i: u32 = 0;
  for (; i + 16 <= n; i += 16) zeros += popcnt<u32>(i8x16.bitmask(i8x16.eq(v128.load(p + i), zero)) as u32);
  for (; i < n; i++) zeros += load<u8>(p + i) == 0 ? 1 : 0;
  return zeros;
}

// @ts-ignore: decorator
@inline
function noteList(state: usize, length: u32): void {
  if ((length as u64) < load<u64>(state, S_LIST_MIN)) store<u64>(state, length, S_LIST_MIN);
  if ((length as u64) > load<u64>(state, S_LIST_MAX)) store<u64>(state, length, S_LIST_MAX);
}

function addValues(
  kind: u32,
  column: usize,
  state: usize,
  values: usize,
  first: u32,
  count: u32,
  scratch: usize,
): void {
  if (kind == KIND_FLOAT) addFloats(state, values + ((first as usize) << 2), count, scratch);
  else if (kind == KIND_INT64) addInts(state, values + ((first as usize) << 3), count, scratch);
  else addBytes(state, values, (load<u32>(column, C_OFFSETS) as usize) + ((first as usize) << 2), count, scratch);
}

/** The free slot or that of the hash. */
// @ts-ignore: decorator
@inline
function findSlot(slots: usize, mask: u32, hash: u64): usize {
  let i = (hash as u32) & mask;
  let found = load<u64>(slots + (i as usize) * 24);
  while (found != hash && found != 0) {
    i = (i + 1) & mask;
    found = load<u64>(slots + (i as usize) * 24);
  }
  return slots + (i as usize) * 24;
}

/** Puts a value in a free slot; false if the dictionary is full. */
function insertEntry(state: usize, slot: usize, hash: u64, value: u64): bool {
  const entries = load<u32>(state, S_ENTRIES);
  if (entries == load<u32>(state, S_ENTRIES_CAP)) {
    store<u32>(state, 1, S_OVERFLOWED);
    return false;
  }
  store<u32>(state, entries + 1, S_ENTRIES);
  store<u64>(slot, hash);
  store<u64>(slot, 1, 8);
  store<u64>(slot, value, 16);
  return true;
}

/** Notes the hashes in X_NOTED; a loop of its own keeps many of the registers' cache misses under way at once. */
function noteHashes(state: usize, scratch: usize, count: u32): void {
  const registers = load<u32>(state, S_REGISTERS) as usize;
  const hashes = scratch + X_NOTED;
  for (let p = hashes; p < hashes + ((count as usize) << 3); p += 8) distinctNote(registers, load<u64>(p));
}

function addFloats(state: usize, p: usize, count: u32, scratch: usize): void {
  const sums = scratch + X_SUMS;
  for (; count > 0; ) {
    const taken = min(count, SLICE);
    const n = finiteFloats(state, p, taken, scratch + X_VALUES);
    p += (taken as usize) << 2;
    count -= taken;
    if (n == 0) continue;
    const exponents = orderFloats(state, scratch + X_VALUES, n, scratch + X_SLICE);
    sumFloats(scratch + X_VALUES, n, sums);
    moveSums(sums, load<u32>(state, S_BINS) as usize, exponents & 255, exponents >>> 8);
    gatherKeys(scratch + X_SLICE, n, 2, KIND_FLOAT, state, scratch);
    countFloats(state, scratch + X_VALUES, n, scratch);
  }
}

/** Writes floats as canonical bits, without those that are not finite, which are counted; how many there are. */
function finiteFloats(state: usize, p: usize, count: u32, to: usize): u32 {
  const magnitudes = i32x4.splat(0x7fffffff);
  const greatest = i32x4.splat(0x7f7fffff);
  let special = i32x4.splat(0);
  for (let i: usize = 0; i < (count as usize) << 2; i += 16) {
    const v = v128.load(p + i);
    const magnitude = v128.and(v, magnitudes);
    special = v128.or(special, i32x4.gt_s(magnitude, greatest));
    v128.store(to + i, v128.andnot(v, i32x4.eq(magnitude, i32x4.splat(0))));
  }
  if (!v128.any_true(special)) return count;
  let n: usize = 0;
  for (let i: usize = 0; i < (count as usize) << 2; i += 4) {
    const bits = load<u32>(to + i);
    store<u32>(to + n, bits);
    const magnitude = bits & 0x7fffffff;
    if (magnitude < 0x7f800000) {
      n += 4;
      continue;
    }
    const field = magnitude > 0x7f800000 ? S_NAN : bits >>> 31 ? S_NEGATIVE_INFINITY : S_POSITIVE_INFINITY;
    store<u64>(state + field, load<u64>(state + field) + 1);
  }
  return (n >> 2) as u32;
}

/** Writes the keys of floats, in whose order they are, and notes the extremes; the least exponent and 256 x the greatest. */
function orderFloats(state: usize, values: usize, n: u32, keys: usize): u32 {
  const last = load<u32>(values + (((n - 1) as usize) << 2));
  for (let i = n; i & 3; i++) store<u32>(values + ((i as usize) << 2), last);
  let lowest = i32x4.splat(-1);
  let highest = i32x4.splat(0);
  let least = i32x4.splat(-1);
  let greatest = i32x4.splat(0);
  for (let i: usize = 0; i < (n as usize) << 2; i += 16) {
    const v = v128.load(values + i);
    const key = v128.xor(v, v128.or(i32x4.shr_s(v, 31), i32x4.splat(0x80000000)));
    const exponent = v128.and(i32x4.shr_u(v, 23), i32x4.splat(255));
    v128.store(keys + i, key);
    lowest = i32x4.min_u(lowest, key);
    highest = i32x4.max_u(highest, key);
    least = i32x4.min_u(least, exponent);
    greatest = i32x4.max_u(greatest, exponent);
  }
  store<u64>(state, min(load<u32>(state, S_MIN), leastLane(lowest)), S_MIN);
  store<u64>(state, max(load<u32>(state, S_MAX), ~leastLane(v128.not(highest))), S_MAX);
  return leastLane(least) | (~leastLane(v128.not(greatest)) << 8);
}

// @ts-ignore: decorator
@inline
function leastLane(v: v128): u32 {
  const two = i32x4.min_u(v, v128.shuffle<u32>(v, v, 2, 3, 0, 1));
  return min(i32x4.extract_lane(two, 0) as u32, i32x4.extract_lane(two, 1) as u32);
}

/** Adds mantissas and their squares up by exponent, in two places by turns: an addition need not wait for the one before it. */
function sumFloats(values: usize, n: u32, sums: usize): void {
  let turn: usize = 0;
  for (let p = values; p < values + ((n as usize) << 2); p += 4) {
    const bits = load<u32>(p);
    const exponent = (bits >>> 23) & 255;
    const mantissa = ((bits & 0x7fffff) | (((exponent != 0) as u32) << 23)) as u64;
    const sign = ((bits as i32) >> 31) as i64;
    const both = i64x2.replace_lane(i64x2.splat((mantissa ^ sign) - sign), 1, mantissa * mantissa);
    const at = sums + turn + ((exponent as usize) << 4);
    v128.store(at, i64x2.add(v128.load(at), both));
    turn ^= 4096;
  }
}

/** Moves the sums of these exponents to the column's bins. */
function moveSums(sums: usize, bins: usize, least: u32, greatest: u32): void {
  for (let exponent = least as usize; exponent <= greatest; exponent++) {
    const from = sums + (exponent << 4);
    const both = i64x2.add(v128.load(from), v128.load(from, 4096));
    const square = i64x2.extract_lane(both, 1) as u64;
    if (square == 0) continue; // then the sum is 0 too
    v128.store(from, i64x2.splat(0));
    v128.store(from, i64x2.splat(0), 4096);
    const bin = bins + (exponent << 5);
    store<u64>(bin, load<u64>(bin) + i64x2.extract_lane(both, 0));
    store<u64>(bin, load<u64>(bin, 8) + (square & 0xffffffff), 8);
    store<u64>(bin, load<u64>(bin, 16) + (square >> 32), 16);
  }
}

/** How often floats occur, while there are few of them, and how many there are. */
function countFloats(state: usize, values: usize, n: u32, scratch: usize): void {
  const slots = load<u32>(state, S_SLOTS) as usize;
  const mask = load<u32>(state, S_SLOT_MASK);
  let noted = scratch + X_NOTED;
  let p = values;
  const end = values + ((n as usize) << 2);
  if (!load<u32>(state, S_OVERFLOWED)) {
    for (; p < end; p += 4) {
      const bits = load<u32>(p);
      const hash = hashU32(bits, 0);
      const named = hash | ((hash == 0) as u64);
      const slot = findSlot(slots, mask, named);
      if (load<u64>(slot) != 0) {
        store<u64>(slot, load<u64>(slot, 8) + 1, 8);
        continue;
      }
      if (!insertEntry(state, slot, named, bits)) break;
      store<u64>(noted, hash);
      noted += 8;
    }
  }
  for (; p < end; p += 4, noted += 8) store<u64>(noted, hashU32(load<u32>(p), 0));
  noteHashes(state, scratch, ((noted - scratch - X_NOTED) >> 3) as u32);
}

function addInts(state: usize, p: usize, count: u32, scratch: usize): void {
  for (; count > 0; ) {
    const n = min(count, SLICE);
    sumInts(state, p, n, scratch + X_SLICE);
    gatherKeys(scratch + X_SLICE, n, 3, KIND_INT64, state, scratch);
    countInts(state, p, n, scratch);
    p += (n as usize) << 3;
    count -= n;
  }
}

/** Sums and extremes of integers; writes their keys, in whose order they are. */
function sumInts(state: usize, p: usize, n: u32, keys: usize): void {
  let lowest = load<i64>(state, S_MIN);
  let highest = load<i64>(state, S_MAX);
  let sumLow = load<u64>(state, S_SUM_LOW);
  let sumHigh = load<i64>(state, S_SUM_HIGH);
  let square0 = load<u64>(state, S_SQUARE_0);
  let square0High = load<u64>(state, S_SQUARE_0 + 8);
  for (const end = p + ((n as usize) << 3); p < end; p += 8, keys += 8) {
    const v = load<i64>(p);
    lowest = min(lowest, v);
    highest = max(highest, v);
    sumLow += (v as u64) & 0xffffffff;
    sumHigh += v >> 32;
    const magnitude = (v < 0 ? 0 - v : v) as u64;
    const low = magnitude & 0xffffffff;
    const high = magnitude >> 32;
    const square = low * low;
    square0 += square & 0xffffffff;
    square0High += square >> 32;
    if (high != 0) addHighSquares(state, low, high);
    store<u64>(keys, (v as u64) ^ 0x8000000000000000);
  }
  store<i64>(state, lowest, S_MIN);
  store<i64>(state, highest, S_MAX);
  store<u64>(state, sumLow, S_SUM_LOW);
  store<i64>(state, sumHigh, S_SUM_HIGH);
  store<u64>(state, square0, S_SQUARE_0);
  store<u64>(state, square0High, S_SQUARE_0 + 8);
}

/** How often integers occur, while there are few of them, and how many there are. */
function countInts(state: usize, p: usize, n: u32, scratch: usize): void {
  const slots = load<u32>(state, S_SLOTS) as usize;
  const mask = load<u32>(state, S_SLOT_MASK);
  let noted = scratch + X_NOTED;
  const end = p + ((n as usize) << 3);
  if (!load<u32>(state, S_OVERFLOWED)) {
    for (; p < end; p += 8) {
      const value = load<u64>(p);
      const hash = hashU64(value, 0);
      const named = hash | ((hash == 0) as u64);
      const slot = findSlot(slots, mask, named);
      if (load<u64>(slot) != 0) {
        store<u64>(slot, load<u64>(slot, 8) + 1, 8);
        continue;
      }
      if (!insertEntry(state, slot, named, value)) break;
      store<u64>(noted, hash);
      noted += 8;
    }
  }
  for (; p < end; p += 8, noted += 8) store<u64>(noted, hashU64(load<u64>(p), 0));
  noteHashes(state, scratch, ((noted - scratch - X_NOTED) >> 3) as u32);
}

function addHighSquares(state: usize, low: u64, high: u64): void {
  const middle = low * high;
  store<u64>(state, load<u64>(state, S_SQUARE_1) + (middle & 0xffffffff), S_SQUARE_1);
  store<u64>(state, load<u64>(state, S_SQUARE_1 + 8) + (middle >> 32), S_SQUARE_1 + 8);
  const top = high * high;
  store<u64>(state, load<u64>(state, S_SQUARE_2) + (top & 0xffffffff), S_SQUARE_2);
  store<u64>(state, load<u64>(state, S_SQUARE_2 + 8) + (top >> 32), S_SQUARE_2 + 8);
}

function addBytes(state: usize, data: usize, offsets: usize, count: u32, scratch: usize): void {
  let noted: u32 = 0;
  const slots = load<u32>(state, S_SLOTS) as usize;
  const mask = load<u32>(state, S_SLOT_MASK);
  let exact = load<u32>(state, S_OVERFLOWED) == 0;
  let lowest = load<u64>(state, S_MIN);
  let highest = load<u64>(state, S_MAX);
  let sum = load<u64>(state, S_SUM_LOW);
  const keys = scratch + X_KEYS;
  const end = offsets + ((count as usize) << 2);
  let p = data + load<u32>(offsets);
  for (; offsets < end; offsets += 4) {
    const next = data + load<u32>(offsets, 4);
    const length = (next - p) as u32;
    lowest = min(lowest, length as u64);
    highest = max(highest, length as u64);
    sum += length as u64;
    const hash = hashBytes(p, length, 0);
    if (wantsValue()) {
      // Sorted by hash, equal values stand side by side; the lowest bits find the value again.
      const at = gatheredPlace() as usize;
      store<u32>(keys + (at << 2), (((hash >> 40) as u32) << 8) | (at as u32));
      store<u32>(scratch + X_POINTERS + (at << 2), p as u32);
      store<u32>(scratch + X_LENGTHS + (at << 2), length);
      store<u64>(scratch + X_HASHES + (at << 3), hash);
      gatherValue(KIND_BYTES, state, scratch);
    }
    const from = p;
    p = next;
    if (exact) {
      const named = hash | ((hash == 0) as u64);
      const slot = findSlot(slots, mask, named);
      if (load<u64>(slot) != 0) {
        store<u64>(slot, load<u64>(slot, 8) + 1, 8);
        continue;
      }
      const entry = load<u32>(state, S_ENTRIES);
      exact = insertEntry(state, slot, named, entry);
      if (exact) putRecord((load<u32>(state, S_RECORDS) as usize) + (entry as usize) * RECORD, hash, from, length);
    }
    store<u64>(scratch + X_NOTED + ((noted as usize) << 3), hash);
    if (++noted == SLICE) {
      noteHashes(state, scratch, noted);
      noted = 0;
    }
  }
  noteHashes(state, scratch, noted);
  store<u64>(state, lowest, S_MIN);
  store<u64>(state, highest, S_MAX);
  store<u64>(state, sum, S_SUM_LOW);
}

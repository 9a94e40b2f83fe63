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
import { canonicalF32, distinctInit, distinctNote, hashBytes, hashU32, hashU64 } from './hash';
import { beginBlock, blockRowsOf, endBlock, gatheredPlace, gatherValue, wantsValue } from './statistics-sample';
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
  X_POINTERS,
  X_VALUES,
} from './statistics-state';

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

function addFloats(state: usize, p: usize, count: u32, scratch: usize): void {
  const bins = load<u32>(state, S_BINS) as usize;
  const registers = load<u32>(state, S_REGISTERS) as usize;
  const slots = load<u32>(state, S_SLOTS) as usize;
  const mask = load<u32>(state, S_SLOT_MASK);
  let exact = load<u32>(state, S_OVERFLOWED) == 0;
  let lowest = load<u32>(state, S_MIN);
  let highest = load<u32>(state, S_MAX);
  const keys = scratch + X_KEYS;
  const end = p + ((count as usize) << 2);
  for (; p < end; p += 4) {
    const bits = canonicalF32(load<u32>(p));
    const exponent = (bits >>> 23) & 255;
    if (exponent == 255) {
      const field = bits == 0x7f800000 ? S_POSITIVE_INFINITY : bits == 0xff800000 ? S_NEGATIVE_INFINITY : S_NAN;
      store<u64>(state + field, load<u64>(state + field) + 1);
      continue;
    }
    const mantissa = ((bits & 0x7fffff) | (exponent != 0 ? 0x800000 : 0)) as u64;
    const square = mantissa * mantissa;
    const sign = ((bits as i32) >> 31) as i64;
    const bin = bins + ((exponent as usize) << 5);
    store<u64>(bin, load<u64>(bin) + ((mantissa ^ sign) - sign));
    store<u64>(bin, load<u64>(bin, 8) + (square & 0xffffffff), 8);
    store<u64>(bin, load<u64>(bin, 16) + (square >> 32), 16);

    const key = bits ^ ((sign as u32) | 0x80000000);
    lowest = min(lowest, key);
    highest = max(highest, key);
    if (wantsValue()) {
      store<u32>(keys + ((gatheredPlace() as usize) << 2), key);
      gatherValue(KIND_FLOAT, state, scratch);
    }
    const hash = hashU32(bits, 0);
    if (exact) {
      const named = hash | ((hash == 0) as u64);
      const slot = findSlot(slots, mask, named);
      if (load<u64>(slot) != 0) {
        store<u64>(slot, load<u64>(slot, 8) + 1, 8);
        continue;
      }
      exact = insertEntry(state, slot, named, bits);
    }
    distinctNote(registers, hash);
  }
  store<u64>(state, lowest, S_MIN);
  store<u64>(state, highest, S_MAX);
}

function addInts(state: usize, p: usize, count: u32, scratch: usize): void {
  const registers = load<u32>(state, S_REGISTERS) as usize;
  const slots = load<u32>(state, S_SLOTS) as usize;
  const mask = load<u32>(state, S_SLOT_MASK);
  let exact = load<u32>(state, S_OVERFLOWED) == 0;
  let lowest = load<i64>(state, S_MIN);
  let highest = load<i64>(state, S_MAX);
  let sumLow = load<u64>(state, S_SUM_LOW);
  let sumHigh = load<i64>(state, S_SUM_HIGH);
  let square0 = load<u64>(state, S_SQUARE_0);
  let square0High = load<u64>(state, S_SQUARE_0 + 8);
  const keys = scratch + X_KEYS;
  const end = p + ((count as usize) << 3);
  for (; p < end; p += 8) {
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
    if (wantsValue()) {
      store<u64>(keys + ((gatheredPlace() as usize) << 3), (v as u64) ^ 0x8000000000000000);
      gatherValue(KIND_INT64, state, scratch);
    }
    const hash = hashU64(v as u64, 0);
    if (exact) {
      const named = hash | ((hash == 0) as u64);
      const slot = findSlot(slots, mask, named);
      if (load<u64>(slot) != 0) {
        store<u64>(slot, load<u64>(slot, 8) + 1, 8);
        continue;
      }
      exact = insertEntry(state, slot, named, v as u64);
    }
    distinctNote(registers, hash);
  }
  store<i64>(state, lowest, S_MIN);
  store<i64>(state, highest, S_MAX);
  store<u64>(state, sumLow, S_SUM_LOW);
  store<i64>(state, sumHigh, S_SUM_HIGH);
  store<u64>(state, square0, S_SQUARE_0);
  store<u64>(state, square0High, S_SQUARE_0 + 8);
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
  const registers = load<u32>(state, S_REGISTERS) as usize;
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
    distinctNote(registers, hash);
  }
  store<u64>(state, lowest, S_MIN);
  store<u64>(state, highest, S_MAX);
  store<u64>(state, sum, S_SUM_LOW);
}

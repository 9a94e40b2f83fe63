// One-pass statistics of a column. All that is kept is a function of the set of blocks seen, whatever their order: integer
// sums, extremes, UltraLogLog registers, an exact dictionary while there are few distinct values, and a sample.
//
// The sample: rows are cut in blocks, blocks in runs of up to RUN values. The values of a run are sorted and every 2^a-th is
// kept (a <= 6), which ranks more sharply than as many random values would, and still takes from so many blocks that runs
// of similar rows do no harm. When that is too much, only blocks on a grid of ordinals are kept: one of every
// 2^j neighbours, chosen by hash. Each item carries the last level (a + j) that it survives, so that the
// sample at a level is the same however the rows were cut into threads; the level is the lowest that fits.
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
import { sort256, sortedAt, sortHeight, sortU64 } from './sort';

// State of a column: u64 fields
const S_MISSING: usize = 0; // rows
const S_VALUES: usize = 8; // values of all rows
const S_NAN: usize = 16;
const S_POSITIVE_INFINITY: usize = 24;
const S_NEGATIVE_INFINITY: usize = 32;
const S_MIN: usize = 40; // int64: i64; float: ordered key; bytes: length
const S_MAX: usize = 48;
const S_LIST_MIN: usize = 56; // values in a row
const S_LIST_MAX: usize = 64;
// int64 and lengths of bytes: sums of the low 32 bits and the (signed) high ones of v, and of the limbs of v * v
const S_SUM_LOW: usize = 72;
const S_SUM_HIGH: usize = 80;
const S_SQUARE_0: usize = 88; // low word of low * low, then its high word
const S_SQUARE_1: usize = 104; // the same of low * high
const S_SQUARE_2: usize = 120; // the same of high * high
// u32 fields
const S_BINS: usize = 136; // float: per exponent u64 sum of mantissas, u64 low and u64 high words of their squares
const S_REGISTERS: usize = 140;
const S_SLOTS: usize = 144; // dictionary: u64 hash (0: free), u64 count, u64 value (bytes: number of its record)
const S_SLOT_MASK: usize = 148;
const S_RECORDS: usize = 152; // bytes: records of the dictionary
const S_ENTRIES: usize = 156;
const S_ENTRIES_CAP: usize = 160;
const S_OVERFLOWED: usize = 164;
const S_ITEMS: usize = 168; // sample: f32, i64 or record
const S_META: usize = 172; // u16 per item: last level << 11 | log4(stride) << 8 | (rows of the block - 1)
const S_ITEM_COUNT: usize = 176;
const S_ITEM_CAP: usize = 180;
const S_LEVEL: usize = 184;

const RUN: u32 = 256; // values sorted together
const BLOCK_VALUES: u32 = 1024; // values taken from a block: the other ones of wide rows are passed over
const RAGGED_BLOCK: u32 = 16; // rows
const IN_BLOCK_LEVELS: u32 = 6;
const MAX_LEVEL: u32 = 31;
const BLOCK_SEED: u64 = 0x626c6f636b;
const GRID_SEED: u64 = 0x67726964;

// A record of a bytes value: u64 hash, u32 length, then its first bytes.
const RECORD: usize = 64;
const RECORD_PREFIX: u32 = 52;

// Scratch
const X_VALUES: usize = 0; // u64 x 256: values without holes
const X_KEYS: usize = 2048; // u64 x RUN
const X_SPARE: usize = 4096; // u64 x RUN
const X_HISTOGRAM: usize = 6144; // u32 x 8 x 256
const X_POINTERS: usize = 14336; // u32 x RUN
const X_LENGTHS: usize = 15360; // u32 x RUN
const X_HASHES: usize = 16384; // u64 x RUN; the scratch ends at 18432

// The block at work.
let gathering: bool = false;
let stride: u32 = 1;
let skip: u32 = 0; // values to pass over before the next one is taken
let gathered: u32 = 0; // values of the run
let mixed: u64 = 0; // random bits of the run
let gridLevel: u32 = 0;
let origin: u32 = 0; // what all items of the block have in their meta

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

/** Rows of a block: about RUN values; a power of two. */
function blockRowsOf(width: u32): u32 {
  if (width == RAGGED) return RAGGED_BLOCK;
  return width >= RUN ? 1 : RUN >> (32 - clz<u32>(width - 1));
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

  mixed = hashU64(ordinal, BLOCK_SEED);
  gridLevel = gridLevelOf(ordinal, rows, blockRows);
  gathering = count > 0 && load<u32>(state, S_LEVEL) <= IN_BLOCK_LEVELS + gridLevel;
  let strideLog4: u32 = 0;
  stride = 1;
  while (strideLog4 < 7 && (count - 1) / stride >= BLOCK_VALUES) {
    strideLog4++;
    stride <<= 2;
  }
  skip = ((mixed >> 32) as u32) & (stride - 1);
  gathered = 0;
  origin = (strideLog4 << 8) | (rows - 1);

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
  if (gathered > 0) sampleRun(kind, state, scratch);
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
    if (gathering) {
      if (skip == 0) {
        store<u32>(keys + ((gathered as usize) << 2), key);
        skip = stride;
        if (++gathered == RUN) sampleRun(KIND_FLOAT, state, scratch);
      }
      skip--;
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
    if (gathering) {
      if (skip == 0) {
        store<u64>(keys + ((gathered as usize) << 3), (v as u64) ^ 0x8000000000000000);
        skip = stride;
        if (++gathered == RUN) sampleRun(KIND_INT64, state, scratch);
      }
      skip--;
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
    if (gathering) {
      if (skip == 0) {
        // Sorted by hash, equal values stand side by side; the lowest bits find the value again.
        const at = gathered as usize;
        store<u32>(keys + (at << 2), (((hash >> 40) as u32) << 8) | gathered);
        store<u32>(scratch + X_POINTERS + (at << 2), p as u32);
        store<u32>(scratch + X_LENGTHS + (at << 2), length);
        store<u64>(scratch + X_HASHES + (at << 3), hash);
        skip = stride;
        if (++gathered == RUN) sampleRun(KIND_BYTES, state, scratch);
      }
      skip--;
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

function putRecord(to: usize, hash: u64, p: usize, length: u32): void {
  store<u64>(to, hash);
  store<u32>(to, length, 8);
  const kept = min(length, RECORD_PREFIX);
  memory.copy(to + 12, p, kept);
  memory.fill(to + 12 + kept, 0, RECORD_PREFIX - kept);
}

/**
 * How many levels of the grid a block of rows belongs to. Ordinals are cut in cells of blockRows; a cell's middle is a
 * point, so a block holds one point at most. Of two neighbouring cells (then of pairs, and so on) one is chosen by hash
 * and goes on to the next level: even coverage that no period in the data can hide from.
 */
function gridLevelOf(ordinal: u64, rows: u32, blockRows: u32): u32 {
  const half = blockRows >> 1;
  let cell = (ordinal + blockRows - 1 - half) / blockRows;
  if (cell * blockRows + half >= ordinal + rows) return 0;
  let level: u32 = 0;
  while (level < MAX_LEVEL - IN_BLOCK_LEVELS) {
    const pair = cell >> 1;
    if ((hashU64(pair, GRID_SEED + level) & 1) != (cell & 1)) break;
    cell = pair;
    level++;
  }
  return level;
}

/** Sorts what was gathered and puts its share in the sample; gathering goes on with an empty run. */
function sampleRun(kind: u32, state: usize, scratch: usize): void {
  const count = gathered;
  gathered = 0;
  const start = (mixed as u32) & ((1 << IN_BLOCK_LEVELS) - 1);
  mixed = hashU64(mixed, BLOCK_SEED);
  let level = load<u32>(state, S_LEVEL);
  const height = sortHeight(count);
  let keys = scratch + X_KEYS;
  let least: u64 = 0;
  let wide = false;
  if (kind == KIND_INT64) {
    least = narrow(keys, scratch + X_SPARE, count);
    wide = least == u64.MAX_VALUE;
    if (wide) {
      keys = sortU64(keys, scratch + X_SPARE, scratch + X_HISTOGRAM, count);
    } else {
      keys = scratch + X_SPARE;
      sort256(keys, count);
    }
  } else {
    sort256(keys, count);
  }
  const items = load<u32>(state, S_ITEMS) as usize;
  const meta = load<u32>(state, S_META) as usize;
  const cap = load<u32>(state, S_ITEM_CAP);
  let held = load<u32>(state, S_ITEM_COUNT);
  let step: u32 = 1 << min(level, IN_BLOCK_LEVELS);
  let rank = start & (step - 1);
  while (rank < count) {
    let last = ctz<u32>((rank ^ start) | (1 << IN_BLOCK_LEVELS));
    if (last == IN_BLOCK_LEVELS) last += gridLevel;
    while (held == cap && last >= level && level < MAX_LEVEL) {
      held = dropBelow(kind, state, ++level);
      step = 1 << min(level, IN_BLOCK_LEVELS);
    }
    if (last >= level && held < cap) {
      const at = held as usize;
      store<u16>(meta + (at << 1), ((last << 11) | origin) as u16);
      if (kind == KIND_FLOAT) {
        const key = load<u32>(sortedAt(keys, rank, height));
        store<u32>(items + (at << 2), key & 0x80000000 ? key ^ 0x80000000 : ~key);
      } else if (kind == KIND_INT64) {
        const key = wide ? load<u64>(keys + ((rank as usize) << 3)) : least + load<u32>(sortedAt(keys, rank, height));
        store<u64>(items + (at << 3), key ^ 0x8000000000000000);
      } else {
        const i = (load<u32>(sortedAt(keys, rank, height)) & 255) as usize;
        putRecord(
          items + at * RECORD,
          load<u64>(scratch + X_HASHES + (i << 3)),
          load<u32>(scratch + X_POINTERS + (i << 2)),
          load<u32>(scratch + X_LENGTHS + (i << 2)),
        );
      }
      held++;
    }
    // After a rise the rank may be off the coarser step: go to the next one that is on it.
    rank++;
    rank += (start - rank) & (step - 1);
  }
  store<u32>(state, held, S_ITEM_COUNT);
  gathering = level <= IN_BLOCK_LEVELS + gridLevel;
}

/** Writes keys as u32 above their least one, which is returned; u64.MAX_VALUE if they lie too far apart. */
function narrow(keys: usize, to: usize, n: u32): u64 {
  let least = u64.MAX_VALUE;
  let greatest: u64 = 0;
  const end = keys + ((n as usize) << 3);
  for (let p = keys; p < end; p += 8) {
    const key = load<u64>(p);
    least = min(least, key);
    greatest = max(greatest, key);
  }
  if (greatest - least > 0xffffffff || least == u64.MAX_VALUE) return u64.MAX_VALUE;
  for (let p = keys; p < end; p += 8, to += 4) store<u32>(to, (load<u64>(p) - least) as u32);
  return least;
}

/** Leaves only the items of a full sample that survive this level; their number. */
function dropBelow(kind: u32, state: usize, level: u32): u32 {
  const items = load<u32>(state, S_ITEMS) as usize;
  const meta = load<u32>(state, S_META) as usize;
  const cap = load<u32>(state, S_ITEM_CAP);
  const size: usize = kind == KIND_FLOAT ? 4 : kind == KIND_INT64 ? 8 : RECORD;
  let held: u32 = 0;
  for (let i: u32 = 0; i < cap; i++) {
    const m = load<u16>(meta + ((i as usize) << 1));
    if ((m as u32) >> 11 < level) continue;
    if (held != i) {
      store<u16>(meta + ((held as usize) << 1), m);
      memory.copy(items + (held as usize) * size, items + (i as usize) * size, size);
    }
    held++;
  }
  store<u32>(state, level, S_LEVEL);
  return held;
}

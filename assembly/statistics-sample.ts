// The sample: rows are cut in blocks, blocks in runs of up to RUN values. The values of a run are sorted and every 2^a-th is
// kept (a <= 8: of a run one is left, so that the sample comes from as many runs as it has items, and clusters of similar
// rows do little harm). Which one is spread evenly over neighbouring blocks, so together they rank more sharply than
// as many random values would. When that is too much, only blocks on a grid of ordinals are kept: one of every
// 2^j neighbours, chosen by hash. Each item carries the last level (a + j) that it survives, so that the
// sample at a level is the same however the rows were cut into threads; the level is the lowest that fits.
import { KIND_BYTES, KIND_FLOAT, KIND_INT64, RAGGED } from './column';
import { hashU64 } from './hash';
import { sort256, sortedAt, sortHeight, sortU64 } from './sort';
import {
  putRecord,
  RECORD,
  S_ITEM_CAP,
  S_ITEM_COUNT,
  S_ITEMS,
  S_LEVEL,
  S_META,
  X_HASHES,
  X_HISTOGRAM,
  X_KEYS,
  X_LENGTHS,
  X_POINTERS,
  X_SPARE,
} from './statistics-state';

const RUN: u32 = 256; // values sorted together
const BLOCK_VALUES: u32 = 1024; // values taken from a block: the other ones of wide rows are passed over
const RAGGED_BLOCK: u32 = 16; // rows
const IN_BLOCK_LEVELS: u32 = 8;
const MAX_LEVEL: u32 = 31;
const GRID_LEVELS: u32 = 24; // of which the last is beyond MAX_LEVEL
const BLOCK_SEED: u64 = 0x626c6f636b;
const GRID_SEED: u64 = 0x67726964;

// The block at work.
let gathering: bool = false;
let stride: u32 = 1;
let skip: u32 = 0; // values to pass over before the next one is taken
let gathered: u32 = 0; // values of the run
let mixed: u64 = 0; // random bits of the run
let start: u32 = 0; // rank in the run of the value that is kept at the last
let gridLevel: u32 = 0;
let origin: u32 = 0; // what all items of the block have in their meta

/** Rows of a block: about RUN values; a power of two. */
export function blockRowsOf(width: u32): u32 {
  if (width == RAGGED) return RAGGED_BLOCK;
  return width >= RUN ? 1 : RUN >> (32 - clz<u32>(width - 1));
}

/** Begins a block of rows with `count` values in all. */
export function beginBlock(state: usize, ordinal: u64, rows: u32, blockRows: u32, count: u32): void {
  mixed = hashU64(ordinal, BLOCK_SEED);
  putOnGrid(ordinal, rows, blockRows);
  gathering = count > 0 && load<u32>(state, S_LEVEL) <= IN_BLOCK_LEVELS + gridLevel;
  let strideLog4: u32 = 0;
  stride = 1;
  while (strideLog4 < 7 && count > stride * BLOCK_VALUES) {
    strideLog4++;
    stride <<= 2;
  }
  skip = ((mixed >> 32) as u32) & (stride - 1);
  gathered = 0;
  origin = (strideLog4 << 8) | (rows - 1);
}

/** Whether the next value of the block is to be gathered: then its key goes to place `gatheredPlace`. */
// @ts-ignore: decorator
@inline
export function wantsValue(): bool {
  if (!gathering) return false;
  if (skip > 0) {
    skip--;
    return false;
  }
  skip = stride - 1;
  return true;
}

// @ts-ignore: decorator
@inline
export function gatheredPlace(): u32 {
  return gathered;
}

/** Gathers what is wanted of the next `count` numbers of the block, by their keys of 2^shift bytes each. */
export function gatherKeys(keys: usize, count: u32, shift: usize, kind: u32, state: usize, scratch: usize): void {
  const to = scratch + X_KEYS;
  if (stride == 1) {
    while (gathering && count > 0) {
      const n = min(count, RUN - gathered);
      memory.copy(to + ((gathered as usize) << shift), keys, (n as usize) << shift);
      keys += (n as usize) << shift;
      count -= n;
      gathered += n;
      if (gathered == RUN) sampleRun(kind, state, scratch);
    }
    return;
  }
  for (; gathering && skip < count; skip += stride) {
    memory.copy(to + ((gathered as usize) << shift), keys + ((skip as usize) << shift), 1 << shift);
    if (++gathered == RUN) sampleRun(kind, state, scratch);
  }
  skip -= count;
}

/** Tells that a key was put in its place. */
// @ts-ignore: decorator
@inline
export function gatherValue(kind: u32, state: usize, scratch: usize): void {
  if (++gathered == RUN) sampleRun(kind, state, scratch);
}

export function endBlock(kind: u32, state: usize, scratch: usize): void {
  if (gathered > 0) sampleRun(kind, state, scratch);
}

/**
 * Finds how many levels of the grid a block of rows belongs to, and the rank that is kept at the last. Ordinals are cut
 * in cells of blockRows; a cell's middle is a point, so a block holds one point at most. Of two neighbouring cells (then
 * of pairs, and so on) one wins by hash and goes on to the next level: even coverage that no period in the data can
 * hide from. The rank, its bits reversed, is Pascal's triangle modulo 2 times the vector of defeats: of any 2^k neighbours
 * that go on to a level, each has its rank in another one of 2^k equal ranges (Faure 1982; any k successive columns
 * of the first k rows are invertible), until the levels end.
 */
function putOnGrid(ordinal: u64, rows: u32, blockRows: u32): void {
  gridLevel = 0;
  start = (mixed as u32) & (RUN - 1);
  const half = blockRows >> 1;
  let cell = (ordinal + blockRows - 1 - half) / blockRows;
  if (cell * blockRows + half >= ordinal + rows) return;
  // Bit i: defeat on the way from level i to the next. A hash decides four levels of 16 neighbours.
  let defeats: u32 = 0;
  for (let level: u32 = 0; level < GRID_LEVELS; level += 4) {
    const winners = hashU64(cell >> 4, GRID_SEED + level) as u32;
    const place = (cell as u32) & 15;
    defeats |= (((winners >> (8 + (place >> 1))) ^ place) & 1) << level;
    defeats |= (((winners >> (4 + (place >> 2))) ^ (place >> 1)) & 1) << (level + 1);
    defeats |= (((winners >> (2 + (place >> 3))) ^ (place >> 2)) & 1) << (level + 2);
    defeats |= (((winners >> 1) ^ (place >> 3)) & 1) << (level + 3);
    cell >>= 4;
  }
  gridLevel = ctz<u32>(defeats | (1 << (MAX_LEVEL - IN_BLOCK_LEVELS)));
  // Column i of the triangle is column i modulo 8; the products with the eight left take three steps.
  let sums = defeats ^ (defeats >> 8) ^ (defeats >> 16);
  sums ^= (sums >> 1) & 0x55;
  sums ^= (sums >> 2) & 0x33;
  sums ^= (sums >> 4) & 0x0f;
  start = 0;
  for (let bit = 0; bit < 8; bit++) start |= ((sums >> bit) & 1) << (7 - bit);
}

/** Sorts what was gathered and puts its share in the sample; gathering goes on with an empty run. */
function sampleRun(kind: u32, state: usize, scratch: usize): void {
  const count = gathered;
  const kept = start;
  gathered = 0;
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
  let rank = kept & (step - 1);
  while (rank < count) {
    let last = ctz<u32>((rank ^ kept) | (1 << IN_BLOCK_LEVELS));
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
    rank += (kept - rank) & (step - 1);
  }
  store<u32>(state, held, S_ITEM_COUNT);
  mixed = hashU64(mixed, BLOCK_SEED);
  start = (mixed as u32) & (RUN - 1);
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
  let held: u32 = 0;
  // Every item is written, and stays where it survives: nobody can predict a branch on that.
  for (let i: u32 = 0; i < cap; i++) {
    const m = load<u16>(meta + ((i as usize) << 1));
    store<u16>(meta + ((held as usize) << 1), m);
    if (kind == KIND_FLOAT) store<u32>(items + ((held as usize) << 2), load<u32>(items + ((i as usize) << 2)));
    else if (kind == KIND_INT64) store<u64>(items + ((held as usize) << 3), load<u64>(items + ((i as usize) << 3)));
    else if (held != i) memory.copy(items + (held as usize) * RECORD, items + (i as usize) * RECORD, RECORD);
    held += ((m as u32) >> 11 >= level) as u32;
  }
  store<u32>(state, level, S_LEVEL);
  return held;
}

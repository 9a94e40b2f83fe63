// The fast path: entries that are as the slots predict them. Records of one file look alike, so an entry is compared
// with the predicted one, all of its tags, lengths and its key at once, as vectors, and its value taken from behind.
import { C_KIND, C_ROW_OFFSETS, C_VALIDITY, C_WIDTH, KIND_BYTES, KIND_FLOAT, RAGGED } from './column';
import { appendFloats, appendItem, appendNumber, clearValue, fillAbsent, rowStart } from './example-append';
import {
  BLOCK_BYTES,
  Now,
  OP_BYTES,
  OP_FLOAT,
  OP_INT,
  OP_SKIP,
  P_COUNT,
  PROBE,
  S_BLOCKS,
  S_COLUMN,
  S_COUNTS,
  S_EXPECT,
  S_HEADER,
  S_LENGTH,
  S_OFFSETS,
  S_OP,
  S_PLAIN_NULL,
  S_REST,
  S_SHIFT,
  S_VALIDITY,
  S_VALUES,
  S_VALUES_CAP,
  SLOT_BYTES,
  X_COLUMN_COUNT,
} from './example-context';
import { copyBytes, varint } from './example-wire';

/** Slots that the record has passed over. */
const PASSED: usize = memory.data(256);
const MAX_PASSED: u32 = 64;

/** Packed numbers, or one item of a ragged column, of `bytes` bytes at `q`. Returns false where they do not fit. */
function takeList(column: usize, q: usize, bytes: u32): bool {
  const kind = load<u32>(column, C_KIND);
  const width = load<u32>(column, C_WIDTH);
  clearValue(column);
  if (kind == KIND_BYTES) {
    if (!appendItem(column, q, bytes)) return false;
  } else if (kind == KIND_FLOAT) {
    const count = bytes >>> 2;
    if ((bytes & 3) != 0 || (width != RAGGED && count != width)) return false;
    if (!appendFloats(column, q, count)) return false;
  } else {
    const end = q + bytes;
    while (q < end) {
      // Leaves malformed varints to the general parser.
      const before = Now.status;
      q = varint(q, end);
      if (q == 0) {
        Now.status = before;
        return false;
      }
      if (!appendNumber(column)) return false;
    }
    if (width != RAGGED && load<u32>(column, P_COUNT) != width) return false;
  }
  if (width == RAGGED) {
    const count = load<u32>(column, P_COUNT);
    store<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((Now.row as usize) << 2), rowStart(column) + count, 4);
  }
  return true;
}

/** Seven bits of each of eight bytes as one number. */
// @ts-ignore: decorator
@inline
function packSevens(x: u64): u64 {
  x &= 0x7f7f7f7f7f7f7f7f;
  x = (x & 0x007f007f007f007f) | ((x & 0x7f007f007f007f00) >> 1);
  x = (x & 0x00003fff00003fff) | ((x & 0x3fff00003fff0000) >> 2);
  return (x & 0x000000000fffffff) | ((x & 0x0fffffff00000000) >> 4);
}

/**
 * Whether n bytes, of which `x` are the first eight and `y` those behind them, are one varint: all but the last one say that
 * there are more.
 */
// @ts-ignore: decorator
@inline
function isVarint(x: u64, y: u64, n: u32): bool {
  const most: u64 = 0x8080808080808080;
  const before = n > 8 ? most : most & ((1 << (((n - 1) as u64) << 3)) - 1);
  return (x & most) == before && (y & 0x8080) == (n == 10 ? 0x80 : 0);
}

/** Whether block i of the entry at q is as the slot predicts it, but for lengths that differ by `shift`. */
// @ts-ignore: decorator
@inline
function blockMatches(slot: usize, q: usize, i: usize, shift: v128): bool {
  const block = slot + i * BLOCK_BYTES;
  const read = i8x16.sub(v128.load(q + (i << 4)), v128.and(shift, v128.load(block, S_SHIFT)));
  const counts = load<u32>(slot + (i << 2), S_COUNTS);
  return (i8x16.bitmask(i8x16.eq(read, v128.load(block, S_EXPECT))) & counts) == counts;
}

/** Notes slots that the record has no entry for. Too many are left to the general way. */
export function passOver(slot: usize, end: usize): void {
  for (; slot < end; slot += SLOT_BYTES) {
    if (Now.passed == MAX_PASSED) {
      Now.odd = true;
      return;
    }
    store<u32>(PASSED + ((Now.passed as usize) << 2), slot as u32);
    Now.passed++;
  }
}

/** Whether the entry at q, whose length byte is given, is as the slot predicts it. */
// @ts-ignore: decorator
@inline
function matches(slot: usize, q: usize, length: u32): bool {
  const shift = i8x16.splat((length - load<u32>(slot, S_LENGTH)) as i8);
  if (!blockMatches(slot, q, 0, shift)) return false;
  const blocks = load<u32>(slot, S_BLOCKS) as usize;
  for (let i: usize = 1; i < blocks; i++) if (!blockMatches(slot, q, i, shift)) return false;
  return true;
}

/** The first of the next slots that predicts the entry at q, or 0. */
function findSlot(slot: usize, q: usize, length: u32, slotEnd: usize): usize {
  const last = min(slotEnd, slot + (PROBE as usize) * SLOT_BYTES);
  for (let s = slot; s < last; s += SLOT_BYTES) {
    if (!matches(s, q, length)) continue;
    passOver(slot, s);
    return s;
  }
  return 0;
}

/**
 * Takes the entries from q on that are as the next slots predict them, with one value and a short key; returns where the first
 * other one stands. Nothing is called in here: what a call would leave in memory is then in registers.
 */
function takeCommon(q: usize, end: usize, slotEnd: usize): usize {
  const row = Now.row as usize;
  let slot = Now.predicted;
  let taken: u32 = 0;
  while (q < end && slot < slotEnd) {
    const length = load<u8>(q, 1) as u32;
    const next = q + 2 + length;
    // Below zero, and so above 127, where the entry is too short for its header.
    const n = length + load<u32>(slot, S_REST);
    if ((length | n) > 127 || next > end) break;
    const shift = i8x16.splat((length - load<u32>(slot, S_LENGTH)) as i8);
    if (!blockMatches(slot, q, 0, shift)) break;
    const blocks = load<u32>(slot, S_BLOCKS);
    if (blocks > 1 && (blocks > 2 || !blockMatches(slot, q, 1, shift))) break;
    const op = load<u32>(slot, S_OP);
    if (op != OP_SKIP) {
      const data = q + load<u32>(slot, S_HEADER);
      if (op == OP_BYTES) {
        const offset = (load<u32>(slot, S_OFFSETS) as usize) + (row << 2);
        const used = load<u32>(offset);
        if (n > load<u32>(slot, S_VALUES_CAP) - used) break;
        copyBytes((load<u32>(slot, S_VALUES) as usize) + used, data, n as usize);
        store<u32>(offset, used + n, 4);
      } else if (op == OP_FLOAT) {
        if (n != 4) break;
        store<u32>((load<u32>(slot, S_VALUES) as usize) + (row << 2), load<u32>(data));
      } else if (op == OP_INT) {
        const to = (load<u32>(slot, S_VALUES) as usize) + (row << 3);
        if (n == 1) {
          const byte = load<u8>(data) as u32;
          if (byte > 127) break;
          store<u64>(to, byte as u64);
        } else {
          if (n - 1 > 9) break;
          // Without branches: which length comes next, nobody can tell.
          const low = min<u32>(n, 8);
          const x = load<u64>(data) & ((-1 as u64) >> ((64 - (low << 3)) as u64));
          const y = (load<u16>(data, 8) as u64) & ((1 << (((n - low) as u64) << 3)) - 1);
          if (!isVarint(x, y, n)) break;
          store<u64>(to, packSevens(x) | ((y & 127) << 56) | (y >> 8 << 63));
        }
      } else {
        break;
      }
      store<u8>((load<u32>(slot, S_VALIDITY) as usize) + row, 1);
      taken++;
    }
    slot += SLOT_BYTES;
    q = next;
  }
  Now.seen += taken;
  Now.predicted = slot;
  return q;
}

/** Takes the entry at q, if a slot predicts it, or finds that slot for `takeCommon`. Returns where to go on, or 0. */
function takeOther(q: usize, end: usize, slotEnd: usize): usize {
  const length = load<u8>(q, 1) as u32;
  const next = q + 2 + length;
  if (length > 127 || next > end) return 0;
  const slot = findSlot(Now.predicted, q, length, slotEnd);
  if (slot == 0) return 0;
  if (slot != Now.predicted && !Now.surprise) {
    Now.predicted = slot;
    return q;
  }
  const n = length + load<u32>(slot, S_REST);
  if (n > 127) return 0;
  if (load<u32>(slot, S_OP) != OP_SKIP) {
    const valid = (load<u32>(slot, S_VALIDITY) as usize) + (Now.row as usize);
    if (load<u8>(valid) != 0) return 0;
    if (!takeList(load<u32>(slot, S_COLUMN) as usize, q + load<u32>(slot, S_HEADER), n)) return 0;
    store<u8>(valid, 1);
    Now.seen++;
  }
  Now.predicted = slot + SLOT_BYTES;
  return next;
}

/** The predicted entries from q on; returns where the first one stands that is not predicted. */
export function takePredicted(q: usize, end: usize, slotEnd: usize): usize {
  // Behind a surprise a value may be there already.
  if (!Now.surprise) q = takeCommon(q, end, slotEnd);
  while (q < end) {
    const next = takeOther(q, end, slotEnd);
    if (next == 0) break;
    q = Now.surprise ? next : takeCommon(next, end, slotEnd);
  }
  return q;
}

/** Fills the columns whose slots a record without surprises has passed over; false where that is not all there is. */
export function finishPassed(): bool {
  let filled: u32 = 0;
  for (let i: u32 = 0; i < Now.passed; i++) {
    const slot = load<u32>(PASSED + ((i as usize) << 2)) as usize;
    const column = load<u32>(slot, S_COLUMN) as usize;
    if (column == 0) continue;
    filled++;
    // The common case, a null in a column of one value a row, needs no look at the column.
    const op = load<u32>(slot, S_OP);
    if (load<u32>(slot, S_PLAIN_NULL) == 0) {
      if (!fillAbsent(column, false)) return false;
    } else if (op == OP_INT) {
      store<u64>((load<u32>(slot, S_VALUES) as usize) + ((Now.row as usize) << 3), 0);
    } else if (op == OP_FLOAT) {
      store<u32>((load<u32>(slot, S_VALUES) as usize) + ((Now.row as usize) << 2), 0);
    } else {
      const offset = (load<u32>(slot, S_OFFSETS) as usize) + ((Now.row as usize) << 2);
      store<u32>(offset, load<u32>(offset), 4);
    }
  }
  // An Example without Features has passed over nothing.
  return Now.seen + filled == load<u32>(Now.ctx, X_COLUMN_COUNT);
}

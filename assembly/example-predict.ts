// The fast path: entries that are as the slots predict them. Records of one file look alike, so an entry is compared
// with the predicted one, all of its tags, lengths and its key at once, as vectors, and its value taken from behind.
import { C_KIND, C_ROW_OFFSETS, C_VALIDITY, C_WIDTH, KIND_BYTES, KIND_FLOAT, RAGGED } from './column';
import { appendFloats, appendItem, appendNumber, clearValue, fillAbsent, rowStart } from './example-append';
import {
  Now,
  OP_BYTES,
  OP_FLOAT,
  OP_INT,
  OP_LIST,
  OP_SKIP,
  P_COUNT,
  PROBE,
  S_SIZE,
  S_COLUMN,
  S_DATA,
  S_EXPECT,
  S_HEADER,
  S_LENGTH,
  S_MASK,
  S_OFFSETS,
  S_OP,
  S_PLAIN_NULL,
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

/** A varint of exactly n bytes at q, in `value`; false where it is not. Up to 8 bytes are read at once. */
// @ts-ignore: decorator
@inline
function wholeVarint(q: usize, n: u32): bool {
  if (n == 1) {
    Now.value = load<u8>(q) as u64;
    return Now.value < 128;
  }
  if (n == 0 || n > 10) return false;
  if (n <= 8) {
    let x = load<u64>(q) & ((-1 as u64) >> ((8 - (n as u64)) << 3));
    const more = (0x80808080808080 as u64) & ((1 << (((n - 1) as u64) << 3)) - 1);
    if ((x & 0x8080808080808080) != more) return false;
    x &= 0x7f7f7f7f7f7f7f7f;
    x = (x & 0x007f007f007f007f) | ((x & 0x7f007f007f007f00) >> 1);
    x = (x & 0x00003fff00003fff) | ((x & 0x3fff00003fff0000) >> 2);
    Now.value = (x & 0x000000000fffffff) | ((x & 0x0fffffff00000000) >> 4);
    return true;
  }
  let x: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const b = load<u8>(q + i) as u64;
    if (b > 127 != i + 1 < n) return false;
    x |= (b & 127) << ((i * 7) as u64);
  }
  Now.value = x;
  return true;
}

/** Whether block i of the entry at q is as the slot predicts it, but for lengths that differ by `shift`. */
// @ts-ignore: decorator
@inline
function blockDiffers(slot: usize, q: usize, i: usize, shift: v128): bool {
  const read = i8x16.sub(v128.load(q + i), v128.and(shift, v128.load(slot + i, S_SHIFT)));
  return v128.any_true(v128.and(v128.xor(read, v128.load(slot + i, S_EXPECT)), v128.load(slot + i, S_MASK)));
}

/** Takes the value of a matching entry in a less common way. False: the general parser must look. */
function takeOther(slot: usize, op: u32, data: usize, n: u32): bool {
  if (op == OP_SKIP) return true;
  const column = load<u32>(slot, S_COLUMN) as usize;
  if (op != OP_LIST || !takeList(column, data, n)) return false;
  store<u8>((load<u32>(column, C_VALIDITY) as usize) + Now.row, 1);
  Now.seen++;
  return true;
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
  if (blockDiffers(slot, q, 0, shift)) return false;
  const size = load<u32>(slot, S_SIZE) as usize;
  for (let i: usize = 16; i < size; i += 16) if (blockDiffers(slot, q, i, shift)) return false;
  return true;
}

/** The next slots but one that predicts the entry at q, or 0. */
function probe(slot: usize, q: usize, length: u32, slotEnd: usize): usize {
  const last = min(slotEnd, slot + (PROBE as usize) * SLOT_BYTES);
  for (let s = slot + SLOT_BYTES; s < last; s += SLOT_BYTES) {
    if (!matches(s, q, length)) continue;
    passOver(slot, s);
    return s;
  }
  return 0;
}

/** The predicted entries from q on; returns where the first one stands that is not predicted. */
export function takePredicted(q: usize, end: usize, slotEnd: usize): usize {
  let slot = Now.predicted;
  const row = Now.row as usize;
  const mind = Now.surprise;
  let taken: u32 = 0;
  while (q < end && slot < slotEnd) {
    const length = load<u8>(q, 1) as u32;
    const next = q + 2 + length;
    if (length > 127 || next > end) break;
    let s = slot;
    if (!matches(s, q, length)) {
      s = probe(slot, q, length, slotEnd);
      if (s == 0) break;
    }
    // Below zero, and so above 127, where the entry is too short for its header.
    const n = load<u32>(s, S_DATA) + length - load<u32>(s, S_LENGTH);
    if (n > 127) break;
    const data = q + load<u32>(s, S_HEADER);
    const op = load<u32>(s, S_OP);
    const valid = (load<u32>(s, S_VALIDITY) as usize) + row;
    if (mind && op != OP_SKIP && load<u8>(valid) != 0) break;
    if (op == OP_BYTES) {
      const offset = (load<u32>(s, S_OFFSETS) as usize) + (row << 2);
      const used = load<u32>(offset);
      if (n > load<u32>(s, S_VALUES_CAP) - used) break;
      copyBytes((load<u32>(s, S_VALUES) as usize) + used, data, n as usize);
      store<u32>(offset, used + n, 4);
      store<u8>(valid, 1);
      taken++;
    } else if (op == OP_FLOAT) {
      if (n != 4) break;
      store<u32>((load<u32>(s, S_VALUES) as usize) + (row << 2), load<u32>(data));
      store<u8>(valid, 1);
      taken++;
    } else if (op == OP_INT) {
      if (!wholeVarint(data, n)) break;
      store<u64>((load<u32>(s, S_VALUES) as usize) + (row << 3), Now.value);
      store<u8>(valid, 1);
      taken++;
    } else if (!takeOther(s, op, data, n)) {
      break;
    }
    slot = s + SLOT_BYTES;
    q = next;
  }
  Now.seen += taken;
  Now.predicted = slot;
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

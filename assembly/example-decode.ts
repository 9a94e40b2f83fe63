// tf.train.Example records to columns. Records of one file look alike, so an entry of the features map is first
// compared with the predicted one: all of its tags, lengths and its key at once, as vectors. Whatever does not match goes
// through the general parser below, which accepts what the wire format allows. src/records/example-columns.ts is the twin.
import {
  C_DEFAULT,
  C_DEFAULT_COUNT,
  C_DEFAULT_DATA,
  C_HAS_DEFAULT,
  C_ITEMS_CAP,
  C_KEY,
  C_KEY_LEN,
  C_KIND,
  C_NULLABLE,
  C_OFFSETS,
  C_ROW_OFFSETS,
  C_USED_ITEMS,
  C_USED_VALUES,
  C_VALIDITY,
  C_VALUES,
  C_VALUES_CAP,
  C_WIDTH,
  COLUMN_BYTES,
  KIND_BYTES,
  KIND_FLOAT,
  KIND_INT64,
  RAGGED,
} from './column';

// The context, u32 fields, written and read by src/records/example-decoder.ts
const X_COLUMNS: usize = 0;
const X_COLUMN_COUNT: usize = 4;
const X_SLOTS: usize = 8;
const X_SLOT_COUNT: usize = 12;
const X_HASH: usize = 16; // u32 column + 1, or 0; X_HASH_MASK + 1 of them
const X_HASH_MASK: usize = 20;
const X_BASE: usize = 24;
const X_OFFSETS: usize = 28; // u32 places of payloads from X_BASE
const X_LENGTHS: usize = 32;
const X_NEXT: usize = 36; // record to decode next; advances
const X_END: usize = 40;
const X_ROW: usize = 44; // row to fill next; advances
const X_ROW_END: usize = 48;
const X_COLUMN: usize = 52; // of GROW and of the mismatches
const X_NEED_VALUES: usize = 56;
const X_NEED_ITEMS: usize = 60;
const X_POSITION: usize = 64; // of MALFORMED, in the payload
const X_FOUND: usize = 68; // kind or count found by a mismatch
const X_PATIENCE: usize = 72; // records with surprises to take before LEARN; counts down

const OK: u32 = 0; // all records decoded, or all rows filled
const GROW: u32 = 1; // X_COLUMN needs room for X_NEED_VALUES and X_NEED_ITEMS
const LEARN: u32 = 2; // the record before X_NEXT was decoded, and its layout is worth learning
const MALFORMED: u32 = 3;
const WRONG_KIND: u32 = 4;
const WRONG_COUNT: u32 = 5;
const ABSENT: u32 = 6;

// A slot: the prediction for one entry of the map
const SLOT_BYTES: usize = 256;
const S_OP: usize = 0;
const S_COLUMN: usize = 4; // address of the descriptor
const S_LENGTH: usize = 8; // the entry's length byte as learnt
const S_HEADER: usize = 12; // bytes from the entry's tag to its values
const S_BLOCKS: usize = 16; // vectors to compare
const S_DATA: usize = 20; // bytes of values as learnt
// Copies of the column's addresses, taken anew by every call
const S_VALUES: usize = 24;
const S_VALUES_CAP: usize = 28;
const S_OFFSETS: usize = 32;
const S_VALIDITY: usize = 36;
const S_PLAIN_NULL: usize = 40; // 1: absent is null, in a column of one value a row
const S_EXPECT: usize = 64; // 4 vectors: the bytes as learnt
const S_SHIFT: usize = 128; // 4 vectors: 255 where a length stands that changes with the entry's
const S_MASK: usize = 192; // 4 vectors: 255 where a byte counts

const OP_GENERAL: u32 = 0; // a key without a prediction of its bytes
const OP_SKIP: u32 = 1;
const OP_INT: u32 = 2; // one int64
const OP_FLOAT: u32 = 3; // one float
const OP_BYTES: u32 = 4; // one bytes item, in a column of one a row
const OP_LIST: u32 = 5; // packed numbers, or one item of a ragged column

/** How many predicted entries may be passed over before the key is looked up. */
const PROBE: u32 = 6;

// What parsing a column's value in the current row found, in the free part of its descriptor
const P_KIND: usize = 72; // 0 nothing, else kind + 1
const P_COUNT: usize = 76; // values or items
const P_USED: usize = 80; // bytes only: data in use behind the last item
const P_SLOT: usize = 84; // address of the slot that predicts it, or 0

// State of the current record; a module has one owner at a time.
let ctx: usize = 0;
let row: u32 = 0;
let seen: u32 = 0; // columns with a good value
let odd: bool = false; // a column of this record may be wrong
let surprise: bool = false; // the general parser was needed, so the fast path must mind values that are there already
let status: u32 = OK;
let predicted: usize = 0; // the slot expected next
/** Slots that the record has passed over. */
const PASSED: usize = memory.data(256);
const MAX_PASSED: u32 = 64;
let passed: u32 = 0;
let complete: bool = false; // every column has a slot
// The latest varint
let value: u64 = 0;

// @ts-ignore: decorator
@inline
function fail(q: usize): usize {
  if (status == OK) {
    status = MALFORMED;
    store<u32>(ctx, q as u32, X_POSITION);
  }
  return 0;
}

function needRoom(column: usize, values: u32, items: u32): usize {
  status = GROW;
  store<u32>(ctx, ((column - load<u32>(ctx, X_COLUMNS)) / COLUMN_BYTES) as u32, X_COLUMN);
  store<u32>(ctx, values, X_NEED_VALUES);
  store<u32>(ctx, items, X_NEED_ITEMS);
  return 0;
}

/** Reads a varint into `value`; returns the position behind it, or 0 (never a position) where it is malformed. */
function readVarint(q: usize, end: usize): usize {
  let result: u64 = 0;
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    if (q >= end) return fail(q);
    const b = load<u8>(q++) as u64;
    result |= (b & 127) << shift;
    if (b < 128) {
      value = result;
      return q;
    }
  }
  return fail(q);
}

// @ts-ignore: decorator
@inline
function varint(q: usize, end: usize): usize {
  if (q < end) {
    const b = load<u8>(q) as u64;
    if (b < 128) {
      value = b;
      return q + 1;
    }
  }
  return readVarint(q, end);
}

/** Reads a tag into `value`. */
// @ts-ignore: decorator
@inline
function tagAt(q: usize, end: usize): usize {
  q = varint(q, end);
  if (q == 0) return 0;
  if (value > 0xffffffff || value < 8 || (value & 7) > 5) return fail(q);
  return q;
}

/** Reads a length and checks that it fits; the length is in `value`. */
// @ts-ignore: decorator
@inline
function lengthAt(q: usize, end: usize): usize {
  q = varint(q, end);
  if (q == 0) return 0;
  if (value > ((end - q) as u64)) return fail(q);
  return q;
}

const MAX_GROUP_DEPTH: u32 = 100;

/** Skips the field whose tag was just read. */
function skipField(q: usize, end: usize, tag: u32): usize {
  const open = memory.data(400);
  let depth: u32 = 0;
  while (true) {
    const wire = tag & 7;
    if (wire == 0) {
      q = varint(q, end);
    } else if (wire == 1) {
      q = end - q < 8 ? fail(q) : q + 8;
    } else if (wire == 2) {
      q = lengthAt(q, end);
      if (q != 0) q += value as usize;
    } else if (wire == 5) {
      q = end - q < 4 ? fail(q) : q + 4;
    } else if (wire == 3) {
      if (depth == MAX_GROUP_DEPTH) return fail(q);
      store<u32>(open + ((depth as usize) << 2), tag >>> 3);
      depth++;
    } else {
      if (depth == 0) return fail(q);
      depth--;
      if (load<u32>(open + ((depth as usize) << 2)) != tag >>> 3) return fail(q);
    }
    if (q == 0 || depth == 0) return q;
    q = tagAt(q, end);
    if (q == 0) return 0;
    tag = value as u32;
  }
}

/** Copies 16 bytes at a time; up to 31 bytes behind source and target are touched. */
// @ts-ignore: decorator
@inline
function copyBytes(to: usize, from: usize, bytes: usize): void {
  // Most items are short: two vectors without a loop, whose end would be mispredicted.
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  for (let i: usize = 32; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
}

// @ts-ignore: decorator
@inline
function keysEqual(a: usize, b: usize, length: u32): bool {
  let i: usize = 0;
  for (; i + 8 <= (length as usize); i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  const rest = (length & 7) as u64;
  if (rest == 0) return true;
  return ((load<u64>(a + i) ^ load<u64>(b + i)) << (64 - (rest << 3))) == 0;
}

/** The hash by which columns are found; src/records/example-decoder.ts computes the same. */
function hashKey(p: usize, length: u32): u32 {
  let h: u32 = length;
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) h = rotl<u32>((h ^ load<u32>(p + i)) * 0x9e3779b1, 13);
  const rest = length & 3;
  if (rest != 0) h = rotl<u32>((h ^ (load<u32>(p + i) & (0xffffffff >>> (32 - (rest << 3))))) * 0x9e3779b1, 13);
  return h ^ (h >>> 15);
}

export function exampleKeyHash(p: usize, length: u32): u32 {
  return hashKey(p, length);
}

/** The descriptor of the column with this key, or 0. */
function findColumn(key: usize, length: u32): usize {
  const columns = load<u32>(ctx, X_COLUMNS) as usize;
  const table = load<u32>(ctx, X_HASH) as usize;
  const mask = load<u32>(ctx, X_HASH_MASK);
  let h = hashKey(key, length) & mask;
  while (true) {
    const found = load<u32>(table + ((h as usize) << 2));
    if (found == 0) return 0;
    const column = columns + ((found - 1) as usize) * COLUMN_BYTES;
    if (load<u32>(column, C_KEY_LEN) == length && keysEqual(key, load<u32>(column, C_KEY), length)) return column;
    h = (h + 1) & mask;
  }
}

/** Where the current row of a bytes or ragged column begins: in items (bytes) or values. */
// @ts-ignore: decorator
@inline
function rowStart(column: usize): u32 {
  const width = load<u32>(column, C_WIDTH);
  return width == RAGGED ? load<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((row as usize) << 2)) : row * width;
}

/** Forgets what the current row of a column held. */
function clearValue(column: usize): void {
  store<u32>(column, 0, P_KIND);
  store<u32>(column, 0, P_COUNT);
  if (load<u32>(column, C_KIND) == KIND_BYTES) {
    store<u32>(column, load<u32>((load<u32>(column, C_OFFSETS) as usize) + ((rowStart(column) as usize) << 2)), P_USED);
  }
}

// The append functions count every value, and store those that the row has room for. They return false for GROW.

function appendItem(column: usize, from: usize, bytes: u32): bool {
  const count = load<u32>(column, P_COUNT);
  store<u32>(column, count + 1, P_COUNT);
  const width = load<u32>(column, C_WIDTH);
  if (width != RAGGED && count >= width) return true;
  const item = rowStart(column) + count;
  const used = load<u32>(column, P_USED);
  const after = (used as u64) + (bytes as u64);
  if (item >= load<u32>(column, C_ITEMS_CAP) || after > (load<u32>(column, C_VALUES_CAP) as u64)) {
    needRoom(column, (after > 0x7fffffff ? 0x7fffffff : after) as u32, item + 1);
    return false;
  }
  copyBytes((load<u32>(column, C_VALUES) as usize) + used, from, bytes as usize);
  store<u32>(column, after as u32, P_USED);
  store<u32>((load<u32>(column, C_OFFSETS) as usize) + ((item as usize) << 2), after as u32, 4);
  return true;
}

/** Where the next `count` numbers of the row go, or 0 where there is no room and status is GROW. Counts them. */
function numberRoom(column: usize, count: u32, shift: u32): usize {
  const before = load<u32>(column, P_COUNT);
  store<u32>(column, before + count, P_COUNT);
  const at = rowStart(column) + before;
  if (load<u32>(column, C_WIDTH) == RAGGED && at + count > load<u32>(column, C_VALUES_CAP)) {
    return needRoom(column, at + count, 0);
  }
  return (load<u32>(column, C_VALUES) as usize) + ((at as usize) << shift);
}

/** Appends one number of the column's kind; the bits are in `value`. */
function appendNumber(column: usize): bool {
  const width = load<u32>(column, C_WIDTH);
  const count = load<u32>(column, P_COUNT);
  if (width != RAGGED && count >= width) {
    store<u32>(column, count + 1, P_COUNT);
    return true;
  }
  const bits = value;
  if (load<u32>(column, C_KIND) == KIND_INT64) {
    const to = numberRoom(column, 1, 3);
    if (to == 0) return false;
    store<u64>(to, bits);
  } else {
    const to = numberRoom(column, 1, 2);
    if (to == 0) return false;
    store<u32>(to, bits as u32);
  }
  return true;
}

function appendFloats(column: usize, from: usize, count: u32): bool {
  const width = load<u32>(column, C_WIDTH);
  const before = load<u32>(column, P_COUNT);
  let some = count;
  if (width != RAGGED) some = min(count, before < width ? width - before : 0);
  if (some > 0) {
    const to = numberRoom(column, some, 2);
    if (to == 0) return false;
    copyBytes(to, from, (some as usize) << 2);
  }
  store<u32>(column, before + count, P_COUNT);
  return true;
}

/** Parses one list message of a kind; stores its values where `keep`, and checks them anyhow. */
function parseList(q: usize, end: usize, kind: u32, column: usize, keep: bool): bool {
  while (q < end) {
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = value as u32;
    if (tag == 10) {
      q = lengthAt(q, end);
      if (q == 0) return false;
      const fieldEnd = q + (value as usize);
      if (kind == KIND_BYTES) {
        if (keep && !appendItem(column, q, value as u32)) return false;
      } else if (kind == KIND_INT64) {
        while (q < fieldEnd) {
          q = varint(q, fieldEnd);
          if (q == 0) return false;
          if (keep && !appendNumber(column)) return false;
        }
      } else {
        if ((value & 3) != 0) {
          fail(q);
          return false;
        }
        if (keep && !appendFloats(column, q, (value >> 2) as u32)) return false;
      }
      q = fieldEnd;
    } else if (tag == 8 && kind == KIND_INT64) {
      q = varint(q, end);
      if (q == 0) return false;
      if (keep && !appendNumber(column)) return false;
    } else if (tag == 13 && kind == KIND_FLOAT) {
      if (end - q < 4) {
        fail(q);
        return false;
      }
      value = load<u32>(q) as u64;
      q += 4;
      if (keep && !appendNumber(column)) return false;
    } else {
      q = skipField(q, end, tag);
      if (q == 0) return false;
    }
  }
  return true;
}

/** Parses one Feature message on top of what the row holds: lists of one kind merge, another kind replaces. */
function parseFeature(q: usize, end: usize, column: usize): bool {
  const wanted = load<u32>(column, C_KIND);
  while (q < end) {
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = value as u32;
    if (tag != 10 && tag != 18 && tag != 26) {
      q = skipField(q, end, tag);
      if (q == 0) return false;
      continue;
    }
    q = lengthAt(q, end);
    if (q == 0) return false;
    const listEnd = q + (value as usize);
    const kind: u32 = tag == 10 ? KIND_BYTES : tag == 18 ? KIND_FLOAT : KIND_INT64;
    if (load<u32>(column, P_KIND) != kind + 1) {
      clearValue(column);
      store<u32>(column, kind + 1, P_KIND);
    }
    if (!parseList(q, listEnd, kind, column, kind == wanted)) return false;
    q = listEnd;
  }
  return true;
}

/** Sets a column's value in this row from the Feature messages of the entry [q, end), of which one begins at `at`. */
function setValue(column: usize, q: usize, end: usize, at: usize, atEnd: usize, more: bool): bool {
  const valid = (load<u32>(column, C_VALIDITY) as usize) + row;
  if (load<u8>(valid) != 0) {
    // A repeated key: the last one wins.
    store<u8>(valid, 0);
    seen--;
  }
  clearValue(column);
  if (!more) {
    if (at != 0 && !parseFeature(at, atEnd, column)) return false;
  } else {
    while (q < end) {
      q = tagAt(q, end);
      if (q == 0) return false;
      const tag = value as u32;
      if (tag != 18) {
        q = skipField(q, end, tag);
        if (q == 0) return false;
        continue;
      }
      q = lengthAt(q, end);
      const featureEnd = q + (value as usize);
      if (!parseFeature(q, featureEnd, column)) return false;
      q = featureEnd;
    }
  }
  const width = load<u32>(column, C_WIDTH);
  const count = load<u32>(column, P_COUNT);
  if (load<u32>(column, P_KIND) == load<u32>(column, C_KIND) + 1 && (width == RAGGED || count == width)) {
    if (width == RAGGED) {
      store<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((row as usize) << 2), rowStart(column) + count, 4);
    }
    store<u8>(valid, 1);
    seen++;
  } else {
    odd = true;
  }
  return true;
}

/** One entry of the map, by the book. [q, end) is its content. */
function parseEntry(q: usize, end: usize): bool {
  const begin = q;
  let key: usize = 0;
  let keyLength: u32 = 0;
  let at: usize = 0;
  let atEnd: usize = 0;
  let more = false;
  while (q < end) {
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = value as u32;
    if (tag != 10 && tag != 18) {
      q = skipField(q, end, tag);
      if (q == 0) return false;
      continue;
    }
    q = lengthAt(q, end);
    if (q == 0) return false;
    const next = q + (value as usize);
    if (tag == 10) {
      key = q;
      keyLength = value as u32;
    } else {
      more = at != 0;
      at = q;
      atEnd = next;
    }
    q = next;
  }
  const column = findColumn(key, keyLength);
  if (column == 0) return true;
  const slot = load<u32>(column, P_SLOT) as usize;
  if (slot >= predicted) predicted = slot + SLOT_BYTES;
  return setValue(column, begin, end, at, atEnd, more);
}

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
      const before = status;
      q = varint(q, end);
      if (q == 0) {
        status = before;
        return false;
      }
      if (!appendNumber(column)) return false;
    }
    if (width != RAGGED && load<u32>(column, P_COUNT) != width) return false;
  }
  if (width == RAGGED) {
    const count = load<u32>(column, P_COUNT);
    store<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((row as usize) << 2), rowStart(column) + count, 4);
  }
  return true;
}

/** A varint of exactly n bytes at q, in `value`; false where it is not. Up to 8 bytes are read at once. */
// @ts-ignore: decorator
@inline
function wholeVarint(q: usize, n: u32): bool {
  if (n == 1) {
    value = load<u8>(q) as u64;
    return value < 128;
  }
  if (n == 0 || n > 10) return false;
  if (n <= 8) {
    let x = load<u64>(q) & ((-1 as u64) >> ((8 - (n as u64)) << 3));
    const more = (0x80808080808080 as u64) & ((1 << (((n - 1) as u64) << 3)) - 1);
    if ((x & 0x8080808080808080) != more) return false;
    x &= 0x7f7f7f7f7f7f7f7f;
    x = (x & 0x007f007f007f007f) | ((x & 0x7f007f007f007f00) >> 1);
    x = (x & 0x00003fff00003fff) | ((x & 0x3fff00003fff0000) >> 2);
    value = (x & 0x000000000fffffff) | ((x & 0x0fffffff00000000) >> 4);
    return true;
  }
  let x: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const b = load<u8>(q + i) as u64;
    if (b > 127 != i + 1 < n) return false;
    x |= (b & 127) << ((i * 7) as u64);
  }
  value = x;
  return true;
}

/** Whether block i of the entry at q is as the slot predicts it, but for lengths that differ by `shift`. */
// @ts-ignore: decorator
@inline
function blockDiffers(slot: usize, q: usize, i: usize, shift: v128): bool {
  const read = i8x16.sub(v128.load(q + i), v128.and(shift, v128.load(slot + i, S_SHIFT)));
  return v128.any_true(v128.and(v128.xor(read, v128.load(slot + i, S_EXPECT)), v128.load(slot + i, S_MASK)));
}

/** Takes the value of a matching entry in a way other than the three common ones. False: the general parser must look. */
function takeOther(slot: usize, op: u32, data: usize, n: u32): bool {
  if (op == OP_SKIP) return true;
  const column = load<u32>(slot, S_COLUMN) as usize;
  if (op != OP_LIST || !takeList(column, data, n)) return false;
  store<u8>((load<u32>(column, C_VALIDITY) as usize) + row, 1);
  seen++;
  return true;
}

/** Notes slots that the record has no entry for. Too many are left to the general way. */
function passOver(slot: usize, end: usize): void {
  for (; slot < end; slot += SLOT_BYTES) {
    if (passed == MAX_PASSED) {
      odd = true;
      return;
    }
    store<u32>(PASSED + ((passed as usize) << 2), slot as u32);
    passed++;
  }
}

/** The predicted entries from q on; returns where the first one stands that is not predicted. */
function takePredicted(q: usize, end: usize, slotEnd: usize): usize {
  let slot = predicted;
  const at8 = (row as usize) << 3;
  const at4 = (row as usize) << 2;
  let taken: u32 = 0;
  while (q < end) {
    const length = load<u8>(q, 1) as u32;
    if (length > 127 || q + 2 + length > end) break;
    let s = slot;
    const last = min(slotEnd, s + (PROBE as usize) * SLOT_BYTES);
    for (; s < last; s += SLOT_BYTES) {
      const shift = i8x16.splat((length - load<u32>(s, S_LENGTH)) as i8);
      if (blockDiffers(s, q, 0, shift)) continue;
      const size = (load<u32>(s, S_BLOCKS) as usize) << 4;
      let i: usize = 16;
      while (i < size && !blockDiffers(s, q, i, shift)) i += 16;
      if (i >= size) break;
    }
    if (s >= last) break;
    const n = load<u32>(s, S_DATA) + (length - load<u32>(s, S_LENGTH));
    if ((n as i32) < 0) break;
    const data = q + load<u32>(s, S_HEADER);
    const op = load<u32>(s, S_OP);
    const valid = (load<u32>(s, S_VALIDITY) as usize) + row;
    if (surprise && op != OP_SKIP && load<u8>(valid) != 0) break;
    if (op == OP_INT) {
      if (!wholeVarint(data, n)) break;
      store<u64>((load<u32>(s, S_VALUES) as usize) + at8, value);
      store<u8>(valid, 1);
      taken++;
    } else if (op == OP_FLOAT) {
      if (n != 4) break;
      store<u32>((load<u32>(s, S_VALUES) as usize) + at4, load<u32>(data));
      store<u8>(valid, 1);
      taken++;
    } else if (op == OP_BYTES) {
      const offset = (load<u32>(s, S_OFFSETS) as usize) + at4;
      const used = load<u32>(offset);
      if (n > load<u32>(s, S_VALUES_CAP) - used) break;
      copyBytes((load<u32>(s, S_VALUES) as usize) + used, data, n as usize);
      store<u32>(offset, used + n, 4);
      store<u8>(valid, 1);
      taken++;
    } else if (!takeOther(s, op, data, n)) {
      break;
    }
    if (s != slot) passOver(slot, s);
    slot = s + SLOT_BYTES;
    q += 2 + length;
  }
  seen += taken;
  predicted = slot;
  return q;
}

/** A Features message [q, end). */
function parseFeatures(q: usize, end: usize): bool {
  predicted = load<u32>(ctx, X_SLOTS) as usize;
  const slotEnd = predicted + (load<u32>(ctx, X_SLOT_COUNT) as usize) * SLOT_BYTES;
  while (q < end) {
    q = takePredicted(q, end, slotEnd);
    if (status != OK) return false;
    if (q >= end) break;
    surprise = true;
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = value as u32;
    if (tag == 10) {
      q = lengthAt(q, end);
      if (q == 0) return false;
      const next = q + (value as usize);
      if (!parseEntry(q, next)) return false;
      q = next;
    } else {
      q = skipField(q, end, tag);
      if (q == 0) return false;
    }
  }
  if (seen < load<u32>(ctx, X_COLUMN_COUNT)) passOver(predicted, slotEnd);
  return true;
}

function parseExample(q: usize, end: usize): bool {
  while (q < end) {
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = value as u32;
    if (tag == 10) {
      q = lengthAt(q, end);
      if (q == 0) return false;
      const next = q + (value as usize);
      if (!parseFeatures(q, next)) return false;
      q = next;
      // Another Features message may set again what this one has set.
      if (q < end) surprise = true;
    } else {
      surprise = true;
      q = skipField(q, end, tag);
      if (q == 0) return false;
    }
  }
  return true;
}

/** Gives an absent column its default, or null; where `blank`, zeros or nothing too. False: GROW, or it is an error. */
function fillAbsent(column: usize, blank: bool): bool {
  const width = load<u32>(column, C_WIDTH);
  const kind = load<u32>(column, C_KIND);
  const hasDefault = load<u32>(column, C_HAS_DEFAULT) != 0;
  const nullable = load<u32>(column, C_NULLABLE) != 0;
  if (!hasDefault && !nullable && !blank) return false;
  clearValue(column);
  const count = hasDefault ? load<u32>(column, C_DEFAULT_COUNT) : width == RAGGED ? 0 : width;
  const from = load<u32>(column, C_DEFAULT) as usize;
  const data = load<u32>(column, C_DEFAULT_DATA) as usize;
  for (let k: usize = 0; k < (count as usize); k++) {
    if (kind == KIND_BYTES) {
      const start: u32 = hasDefault ? load<u32>(from + (k << 2)) : 0;
      const length: u32 = hasDefault ? load<u32>(from + (k << 2), 4) - start : 0;
      if (!appendItem(column, data + start, length)) return false;
    } else {
      value = !hasDefault ? 0 : kind == KIND_INT64 ? load<u64>(from + (k << 3)) : (load<u32>(from + (k << 2)) as u64);
      if (!appendNumber(column)) return false;
    }
  }
  if (width == RAGGED) {
    store<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((row as usize) << 2), rowStart(column) + count, 4);
  }
  store<u8>((load<u32>(column, C_VALIDITY) as usize) + row, hasDefault || !nullable ? 1 : 0);
  return true;
}

/** Fills the columns whose slots a record without surprises has passed over; false where that is not all there is. */
function finishPassed(): bool {
  let filled: u32 = 0;
  for (let i: u32 = 0; i < passed; i++) {
    const slot = load<u32>(PASSED + ((i as usize) << 2)) as usize;
    const column = load<u32>(slot, S_COLUMN) as usize;
    if (column == 0) continue;
    filled++;
    // The common case, a null in a column of one value a row, needs no look at the column.
    const op = load<u32>(slot, S_OP);
    if (load<u32>(slot, S_PLAIN_NULL) == 0) {
      if (!fillAbsent(column, false)) return false;
    } else if (op == OP_INT) {
      store<u64>((load<u32>(slot, S_VALUES) as usize) + ((row as usize) << 3), 0);
    } else if (op == OP_FLOAT) {
      store<u32>((load<u32>(slot, S_VALUES) as usize) + ((row as usize) << 2), 0);
    } else {
      const offset = (load<u32>(slot, S_OFFSETS) as usize) + ((row as usize) << 2);
      store<u32>(offset, load<u32>(offset), 4);
    }
  }
  // An Example without Features has passed over nothing.
  return seen + filled == load<u32>(ctx, X_COLUMN_COUNT);
}

/** Judges the columns that the record did not set, in their order. */
function finishRow(blank: bool): void {
  const columns = load<u32>(ctx, X_COLUMNS) as usize;
  const count = load<u32>(ctx, X_COLUMN_COUNT);
  // First the errors: what is filled below must not be seen as set when the record is tried again.
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    if (load<u8>((load<u32>(column, C_VALIDITY) as usize) + row) != 0) continue;
    const kind = blank ? 0 : load<u32>(column, P_KIND);
    if (kind == 0) {
      if (!blank && load<u32>(column, C_HAS_DEFAULT) == 0 && load<u32>(column, C_NULLABLE) == 0) status = ABSENT;
    } else if (kind != load<u32>(column, C_KIND) + 1) {
      status = WRONG_KIND;
      store<u32>(ctx, kind - 1, X_FOUND);
    } else {
      status = WRONG_COUNT;
      store<u32>(ctx, load<u32>(column, P_COUNT), X_FOUND);
    }
    if (status != OK) {
      store<u32>(ctx, c, X_COLUMN);
      return;
    }
  }
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    if (load<u8>((load<u32>(column, C_VALIDITY) as usize) + row) == 0 && !fillAbsent(column, blank)) return;
  }
}

/** Marks all columns as not set in the current row and those behind it. */
function openRows(rows: u32): void {
  const columns = load<u32>(ctx, X_COLUMNS) as usize;
  const count = load<u32>(ctx, X_COLUMN_COUNT);
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    memory.fill((load<u32>(column, C_VALIDITY) as usize) + row, 0, rows);
  }
  forgetKinds();
}

function forgetKinds(): void {
  const columns = load<u32>(ctx, X_COLUMNS) as usize;
  const count = load<u32>(ctx, X_COLUMN_COUNT);
  for (let c: u32 = 0; c < count; c++) store<u32>(columns + (c as usize) * COLUMN_BYTES, 0, P_KIND);
}

/** Copies the columns' addresses, which growing moves, into the slots. */
function refreshSlots(): void {
  let covered: u32 = 0;
  const slots = load<u32>(ctx, X_SLOTS) as usize;
  const end = slots + (load<u32>(ctx, X_SLOT_COUNT) as usize) * SLOT_BYTES;
  for (let slot = slots; slot < end; slot += SLOT_BYTES) {
    const column = load<u32>(slot, S_COLUMN) as usize;
    if (column == 0) continue;
    store<u32>(slot, load<u32>(column, C_VALUES), S_VALUES);
    store<u32>(slot, load<u32>(column, C_VALUES_CAP), S_VALUES_CAP);
    store<u32>(slot, load<u32>(column, C_OFFSETS), S_OFFSETS);
    store<u32>(slot, load<u32>(column, C_VALIDITY), S_VALIDITY);
    const single = load<u32>(slot, S_OP) != OP_LIST;
    const plainNull = single && load<u32>(column, C_NULLABLE) != 0 && load<u32>(column, C_HAS_DEFAULT) == 0;
    store<u32>(slot, plainNull ? 1 : 0, S_PLAIN_NULL);
    covered++;
  }
  complete = covered == load<u32>(ctx, X_COLUMN_COUNT);
}

/** Writes how much of each column is in use. */
function closeColumns(): void {
  const columns = load<u32>(ctx, X_COLUMNS) as usize;
  const count = load<u32>(ctx, X_COLUMN_COUNT);
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    const start = rowStart(column);
    if (load<u32>(column, C_KIND) == KIND_BYTES) {
      store<u32>(column, start, C_USED_ITEMS);
      store<u32>(column, load<u32>((load<u32>(column, C_OFFSETS) as usize) + ((start as usize) << 2)), C_USED_VALUES);
    } else {
      store<u32>(column, start, C_USED_VALUES);
    }
  }
}

/**
 * Decodes records X_NEXT .. X_END into rows from X_ROW, until one of them or the rows end, or a status wants attention.
 * The record that a status speaks of is X_NEXT and has left no trace; after LEARN it is the one before.
 */
export function decodeExamples(context: usize): u32 {
  ctx = context;
  row = load<u32>(ctx, X_ROW);
  status = OK;
  const base = load<u32>(ctx, X_BASE) as usize;
  const offsets = load<u32>(ctx, X_OFFSETS) as usize;
  const lengths = load<u32>(ctx, X_LENGTHS) as usize;
  const rowEnd = load<u32>(ctx, X_ROW_END);
  const end = load<u32>(ctx, X_END);
  const columnCount = load<u32>(ctx, X_COLUMN_COUNT);
  let next = load<u32>(ctx, X_NEXT);
  openRows(min(rowEnd - row, end - next));
  refreshSlots();
  while (next < end && row < rowEnd) {
    const p = base + load<u32>(offsets + ((next as usize) << 2));
    const length = load<u32>(lengths + ((next as usize) << 2)) as usize;
    seen = 0;
    passed = 0;
    odd = false;
    surprise = false;
    if (!parseExample(p, p + length)) {
      if (status == MALFORMED) store<u32>(ctx, load<u32>(ctx, X_POSITION) - (p as u32), X_POSITION);
      break;
    }
    if (seen < columnCount || odd) {
      if (surprise || odd || !complete || !finishPassed()) {
        if (status == OK) finishRow(false);
      }
      if (status != OK) break;
    }
    row++;
    next++;
    if (surprise) {
      // Only the general parser leaves traces in P_KIND.
      forgetKinds();
      const patience = load<u32>(ctx, X_PATIENCE);
      if (patience <= 1) {
        status = LEARN;
        break;
      }
      store<u32>(ctx, patience - 1, X_PATIENCE);
    }
  }
  store<u32>(ctx, next, X_NEXT);
  store<u32>(ctx, row, X_ROW);
  closeColumns();
  return status;
}

/** Fills row X_ROW for a record that was lost: defaults, else nulls, else zeros. */
export function decodeBlank(context: usize): u32 {
  ctx = context;
  row = load<u32>(ctx, X_ROW);
  status = OK;
  openRows(1);
  finishRow(true);
  if (status == OK) store<u32>(ctx, ++row, X_ROW);
  closeColumns();
  return status;
}

// The general parser: one entry of the features map by the book, in any form that the wire format allows.
import {
  C_KEY,
  C_KEY_LEN,
  C_KIND,
  C_ROW_OFFSETS,
  C_VALIDITY,
  C_WIDTH,
  COLUMN_BYTES,
  KIND_BYTES,
  KIND_FLOAT,
  KIND_INT64,
  RAGGED,
} from './column';
import { appendFloats, appendItem, appendNumber, clearValue, rowStart } from './example-append';
import { Now, P_COUNT, P_KIND, P_SLOT, SLOT_BYTES, X_COLUMNS, X_HASH, X_HASH_MASK } from './example-context';
import { fail, hashKey, keysEqual, lengthAt, skipField, tagAt, varint } from './example-wire';

/** The descriptor of the column with this key, or 0. */
function findColumn(key: usize, length: u32): usize {
  const columns = load<u32>(Now.ctx, X_COLUMNS) as usize;
  const table = load<u32>(Now.ctx, X_HASH) as usize;
  const mask = load<u32>(Now.ctx, X_HASH_MASK);
  let h = hashKey(key, length) & mask;
  while (true) {
    const found = load<u32>(table + ((h as usize) << 2));
    if (found == 0) return 0;
    const column = columns + ((found - 1) as usize) * COLUMN_BYTES;
    if (load<u32>(column, C_KEY_LEN) == length && keysEqual(key, load<u32>(column, C_KEY), length)) return column;
    h = (h + 1) & mask;
  }
}

/** Parses one list message of a kind; stores its values where `keep`, and checks them anyhow. */
function parseList(q: usize, end: usize, kind: u32, column: usize, keep: bool): bool {
  while (q < end) {
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = Now.value as u32;
    if (tag == 10) {
      q = lengthAt(q, end);
      if (q == 0) return false;
      const fieldEnd = q + (Now.value as usize);
      if (kind == KIND_BYTES) {
        if (keep && !appendItem(column, q, Now.value as u32)) return false;
      } else if (kind == KIND_INT64) {
        while (q < fieldEnd) {
          q = varint(q, fieldEnd);
          if (q == 0) return false;
          if (keep && !appendNumber(column)) return false;
        }
      } else {
        if ((Now.value & 3) != 0) {
          fail(q);
          return false;
        }
        if (keep && !appendFloats(column, q, (Now.value >> 2) as u32)) return false;
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
      Now.value = load<u32>(q) as u64;
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
    const tag = Now.value as u32;
    if (tag != 10 && tag != 18 && tag != 26) {
      q = skipField(q, end, tag);
      if (q == 0) return false;
      continue;
    }
    q = lengthAt(q, end);
    if (q == 0) return false;
    const listEnd = q + (Now.value as usize);
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
  const valid = (load<u32>(column, C_VALIDITY) as usize) + Now.row;
  if (load<u8>(valid) != 0) {
    // A repeated key: the last one wins.
    store<u8>(valid, 0);
    Now.seen--;
  }
  clearValue(column);
  if (!more) {
    if (at != 0 && !parseFeature(at, atEnd, column)) return false;
  } else {
    while (q < end) {
      q = tagAt(q, end);
      if (q == 0) return false;
      const tag = Now.value as u32;
      if (tag != 18) {
        q = skipField(q, end, tag);
        if (q == 0) return false;
        continue;
      }
      q = lengthAt(q, end);
      const featureEnd = q + (Now.value as usize);
      if (!parseFeature(q, featureEnd, column)) return false;
      q = featureEnd;
    }
  }
  const width = load<u32>(column, C_WIDTH);
  const count = load<u32>(column, P_COUNT);
  if (load<u32>(column, P_KIND) == load<u32>(column, C_KIND) + 1 && (width == RAGGED || count == width)) {
    if (width == RAGGED) {
      store<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((Now.row as usize) << 2), rowStart(column) + count, 4);
    }
    store<u8>(valid, 1);
    Now.seen++;
  } else {
    Now.odd = true;
  }
  return true;
}

/** One entry of the map, by the book. [q, end) is its content. */
export function parseEntry(q: usize, end: usize): bool {
  const begin = q;
  let key: usize = 0;
  let keyLength: u32 = 0;
  let at: usize = 0;
  let atEnd: usize = 0;
  let more = false;
  while (q < end) {
    q = tagAt(q, end);
    if (q == 0) return false;
    const tag = Now.value as u32;
    if (tag != 10 && tag != 18) {
      q = skipField(q, end, tag);
      if (q == 0) return false;
      continue;
    }
    q = lengthAt(q, end);
    if (q == 0) return false;
    const next = q + (Now.value as usize);
    if (tag == 10) {
      key = q;
      keyLength = Now.value as u32;
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
  if (slot >= Now.predicted) Now.predicted = slot + SLOT_BYTES;
  return setValue(column, begin, end, at, atEnd, more);
}

// What a CSV cell does to its column, apart from the short ways of csv-plain-cells.ts.
import {
  C_DEFAULT,
  C_DEFAULT_COUNT,
  C_DEFAULT_DATA,
  C_HAS_DEFAULT,
  C_ITEMS_CAP,
  C_KIND,
  C_OFFSETS,
  C_ROW_OFFSETS,
  C_USED_ITEMS,
  C_USED_VALUES,
  C_VALIDITY,
  C_VALUES,
  C_VALUES_CAP,
  C_WIDTH,
  COLUMN_BYTES,
  firstValue,
  KIND_BYTES,
  KIND_FLOAT,
  KIND_INT64,
  RAGGED,
} from './column';
import { foundFloat, foundInt, NUMBER_OK, NUMBER_RANGE, readFloat, readInt } from './csv-number';
import { plainFloat, plainInt } from './csv-plain-number';
import {
  BAD_FLOAT,
  BAD_GROW,
  BAD_INT,
  BAD_INT_RANGE,
  BAD_LIST,
  CELL_BYTES,
  L_COLUMN,
  L_OP,
  L_SEPARATOR,
  L_SEPARATOR_LENGTH,
  OP_END,
  OP_INFER,
  OP_SKIP,
  P_CELLS,
  P_COLUMN_COUNT,
  P_COLUMNS,
  P_GROW_COLUMN,
  P_GROW_ITEMS,
  P_GROW_VALUES,
  P_NULL_COUNT,
  P_NULLS,
  P_USED_ROWS,
} from './csv-state';

/**
 * Marks all rows as there; cells that are missing take their mark away. Only rows of the last call can have lost it, and
 * nothing is done where there were none: a bad row costs no more for the columns that it does not reach.
 */
export function openColumns(state: usize): void {
  const rows = load<u32>(state, P_USED_ROWS);
  if (rows == 0) return;
  let column = load<u32>(state, P_COLUMNS) as usize;
  for (let n = load<u32>(state, P_COLUMN_COUNT); n > 0; n--) {
    memory.fill(load<u32>(column, C_VALIDITY), 1, rows);
    column += COLUMN_BYTES;
  }
}

/** Puts into each column how much of it the rows use. */
export function closeColumns(state: usize, rows: u32): void {
  if (rows == 0 && load<u32>(state, P_USED_ROWS) == 0) return;
  store<u32>(state, rows, P_USED_ROWS);
  let column = load<u32>(state, P_COLUMNS) as usize;
  for (let n = load<u32>(state, P_COLUMN_COUNT); n > 0; n--) {
    const count = firstValue(column, rows);
    if (load<u32>(column, C_KIND) == KIND_BYTES) {
      store<u32>(column, count, C_USED_ITEMS);
      store<u32>(column, load<u32>((load<u32>(column, C_OFFSETS) as usize) + ((count as usize) << 2)), C_USED_VALUES);
    } else store<u32>(column, count, C_USED_VALUES);
    column += COLUMN_BYTES;
  }
}

/** Marks a row as there again in the columns of all cells up to this one. */
export function markCells(state: usize, cell: usize, row: u32): void {
  for (let c = load<u32>(state, P_CELLS) as usize; c <= cell; c += CELL_BYTES) {
    const op = load<u32>(c, L_OP);
    if (op == OP_SKIP || op == OP_INFER || op == OP_END) continue;
    store<u8>((load<u32>(load<u32>(c, L_COLUMN), C_VALIDITY) as usize) + row, 1);
  }
}

/** For a ragged column: the row ends before this number (bytes: item). */
// @ts-ignore: decorator
@inline
function endRow(column: usize, row: u32, count: u32): void {
  if (load<u32>(column, C_WIDTH) == RAGGED) {
    store<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((row as usize) << 2), count, 4);
  }
}

/** Asks for room for this many values and items in all of a column. */
export function needRoom(state: usize, column: usize, values: u32, items: u32): u32 {
  store<u32>(state, ((column - (load<u32>(state, P_COLUMNS) as usize)) as u32) / COLUMN_BYTES, P_GROW_COLUMN);
  store<u32>(state, values, P_GROW_VALUES);
  store<u32>(state, items, P_GROW_ITEMS);
  return BAD_GROW;
}

/** Whether the text is a null token; ask only where P_NULL_LENGTHS allows it. */
export function isNullToken(state: usize, s: usize, length: u32): bool {
  if (length == 0) return true;
  let token = load<u32>(state, P_NULLS) as usize;
  for (let n = load<u32>(state, P_NULL_COUNT); n > 0; n--) {
    if (load<u32>(token, 4) == length && memory.compare(load<u32>(token), s, length) == 0) return true;
    token += 8;
  }
  return false;
}

/** Writes the default, or marks the row as not there. */
export function missingCell(state: usize, column: usize, row: u32): u32 {
  const kind = load<u32>(column, C_KIND);
  const width = load<u32>(column, C_WIDTH);
  const given = load<u32>(column, C_HAS_DEFAULT) != 0;
  const count = given ? load<u32>(column, C_DEFAULT_COUNT) : width == RAGGED ? 0 : width;
  const first = firstValue(column, row);
  const values = load<u32>(column, C_VALUES) as usize;
  if (!given) store<u8>((load<u32>(column, C_VALIDITY) as usize) + row, 0);
  if (kind == KIND_BYTES) {
    const offsets = (load<u32>(column, C_OFFSETS) as usize) + ((first as usize) << 2);
    const used = load<u32>(offsets);
    const from = load<u32>(column, C_DEFAULT) as usize;
    const bytes = given ? load<u32>(from + ((count as usize) << 2)) : 0;
    if (used + bytes > load<u32>(column, C_VALUES_CAP) || first + count > load<u32>(column, C_ITEMS_CAP)) {
      return needRoom(state, column, used + bytes, first + count);
    }
    for (let k: usize = 1; k <= count; k++) {
      store<u32>(offsets + (k << 2), used + (given ? load<u32>(from + (k << 2)) : 0));
    }
    memory.copy(values + used, load<u32>(column, C_DEFAULT_DATA), bytes);
  } else {
    if (first + count > load<u32>(column, C_VALUES_CAP)) return needRoom(state, column, first + count, 0);
    const shift: usize = kind == KIND_FLOAT ? 2 : 3;
    const to = values + ((first as usize) << shift);
    const bytes = (count as usize) << shift;
    if (given) memory.copy(to, load<u32>(column, C_DEFAULT), bytes);
    else memory.fill(to, 0, bytes);
  }
  endRow(column, row, first + count);
  return 0;
}

// @ts-ignore: decorator
@inline
export function isBlank(p: usize): bool {
  const b = load<u8>(p) as u32;
  return b == 32 || b == 9;
}

/** One number in trimmed text, stored at `at`. */
// @ts-ignore: decorator
@inline
function readNumber(kind: u32, s: usize, e: usize, at: usize): u32 {
  if (kind == KIND_INT64) {
    const found = readInt(s, e);
    if (found != NUMBER_OK) return found == NUMBER_RANGE ? BAD_INT_RANGE : BAD_INT;
    store<i64>(at, foundInt);
    return 0;
  }
  if (readFloat(s, e) != NUMBER_OK) return BAD_FLOAT;
  store<f32>(at, foundFloat as f32);
  return 0;
}

/** A cell with one number, written in any way that is allowed. */
export function numberCell(state: usize, column: usize, row: u32, s: usize, e: usize, nullLengths: u32): u32 {
  while (s < e && isBlank(s)) s++;
  while (s < e && isBlank(e - 1)) e--;
  const length = (e - s) as u32;
  if ((nullLengths >>> min(length, 31)) & 1 && isNullToken(state, s, length)) return missingCell(state, column, row);
  const kind = load<u32>(column, C_KIND);
  const at = (load<u32>(column, C_VALUES) as usize) + ((row as usize) << (kind == KIND_FLOAT ? 2 : 3));
  return readNumber(kind, s, e, at);
}

/** Copies a quoted cell's content, `""` as `"`, and returns its length. */
export function copyCell(to: usize, s: usize, e: usize, quote: u32): u32 {
  const start = to;
  while (s < e) {
    const b = load<u8>(s) as u32;
    store<u8>(to++, b as u8);
    s += b == quote ? 2 : 1;
  }
  return (to - start) as u32;
}

/** Where the separator next stands in [s, e), or e. */
function nextSeparator(s: usize, e: usize, separator: usize, length: u32): usize {
  const first = load<u8>(separator);
  for (; s + length <= e; s++) {
    if (load<u8>(s) == first && memory.compare(s, separator, length) == 0) return s;
  }
  return e;
}

/**
 * A cell that holds any number of values between separators. An empty cell in quotes is the empty list; numbers may have
 * blanks around them.
 */
export function listCell(
  state: usize,
  cell: usize,
  row: u32,
  s: usize,
  e: usize,
  quote: u32,
  nullLengths: u32,
): u32 {
  const column = load<u32>(cell, L_COLUMN) as usize;
  const length = (e - s) as u32;
  if ((nullLengths >>> min(length, 31)) & 1 && isNullToken(state, s, length)) return missingCell(state, column, row);
  const separator = load<u32>(cell, L_SEPARATOR) as usize;
  const separatorLength = load<u32>(cell, L_SEPARATOR_LENGTH);
  const kind = load<u32>(column, C_KIND);
  const width = load<u32>(column, C_WIDTH);
  const first = firstValue(column, row);
  let count: u32 = length > 0 ? 1 : 0;
  for (let p = s; ; count++) {
    p = nextSeparator(p, e, separator, separatorLength);
    if (p == e) break;
    p += separatorLength;
  }
  if (width != RAGGED && count != width) return BAD_LIST;
  if (kind == KIND_BYTES) {
    let offsets = (load<u32>(column, C_OFFSETS) as usize) + ((first as usize) << 2);
    let used = load<u32>(offsets);
    if (used + length > load<u32>(column, C_VALUES_CAP) || first + count > load<u32>(column, C_ITEMS_CAP)) {
      return needRoom(state, column, used + length, first + count);
    }
    const values = load<u32>(column, C_VALUES) as usize;
    for (let n = count; n > 0; n--) {
      const stop = nextSeparator(s, e, separator, separatorLength);
      used += copyCell(values + used, s, stop, quote);
      offsets += 4;
      store<u32>(offsets, used);
      s = stop + separatorLength;
    }
  } else {
    if (first + count > load<u32>(column, C_VALUES_CAP)) return needRoom(state, column, first + count, 0);
    const step: usize = kind == KIND_FLOAT ? 4 : 8;
    let at = (load<u32>(column, C_VALUES) as usize) + (first as usize) * step;
    for (let n = count; n > 0; n--) {
      const stop = nextSeparator(s, e, separator, separatorLength);
      if (!(kind == KIND_FLOAT ? plainFloat(s, stop, at) : plainInt(s, stop, 0, 0, at))) {
        let a = s;
        let z = stop;
        while (a < z && isBlank(a)) a++;
        while (a < z && isBlank(z - 1)) z--;
        const bad = readNumber(kind, a, z, at);
        if (bad) return bad;
      }
      at += step;
      s = stop + separatorLength;
    }
  }
  endRow(column, row, first + count);
  return 0;
}

export function bytesCell(state: usize, column: usize, row: u32, s: usize, e: usize, quote: u32, nullLengths: u32): u32 {
  const length = (e - s) as u32;
  if ((nullLengths >>> min(length, 31)) & 1 && isNullToken(state, s, length)) return missingCell(state, column, row);
  const offsets = (load<u32>(column, C_OFFSETS) as usize) + ((row as usize) << 2);
  const used = load<u32>(offsets);
  if (used + length > load<u32>(column, C_VALUES_CAP)) return needRoom(state, column, used + length, 0);
  const to = (load<u32>(column, C_VALUES) as usize) + used;
  if (quote < 256) store<u32>(offsets, used + copyCell(to, s, e, quote), 4);
  else {
    memory.copy(to, s, length);
    store<u32>(offsets, used + length, 4);
  }
  return 0;
}

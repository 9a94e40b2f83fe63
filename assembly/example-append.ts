// Values appended to the current row of a column. What cannot be had for want of room says so by status GROW.
import {
  C_DEFAULT,
  C_DEFAULT_COUNT,
  C_DEFAULT_DATA,
  C_HAS_DEFAULT,
  C_ITEMS_CAP,
  C_KIND,
  C_NULLABLE,
  C_OFFSETS,
  C_ROW_OFFSETS,
  C_VALIDITY,
  C_VALUES,
  C_VALUES_CAP,
  C_WIDTH,
  COLUMN_BYTES,
  firstValue,
  KIND_BYTES,
  KIND_INT64,
  RAGGED,
} from './column';
import {
  GROW,
  Now,
  P_COUNT,
  P_KIND,
  P_USED,
  X_COLUMN,
  X_COLUMNS,
  X_NEED_ITEMS,
  X_NEED_VALUES,
} from './example-context';
import { copyBytes } from './example-wire';

function needRoom(column: usize, values: u32, items: u32): usize {
  Now.status = GROW;
  store<u32>(Now.ctx, ((column - load<u32>(Now.ctx, X_COLUMNS)) / COLUMN_BYTES) as u32, X_COLUMN);
  store<u32>(Now.ctx, values, X_NEED_VALUES);
  store<u32>(Now.ctx, items, X_NEED_ITEMS);
  return 0;
}

/** Where the current row of a bytes or ragged column begins: in items (bytes) or values. */
// @ts-ignore: decorator
@inline
export function rowStart(column: usize): u32 {
  return firstValue(column, Now.row);
}

/** Forgets what the current row of a column held. */
export function clearValue(column: usize): void {
  store<u32>(column, 0, P_KIND);
  store<u32>(column, 0, P_COUNT);
  if (load<u32>(column, C_KIND) == KIND_BYTES) {
    store<u32>(column, load<u32>((load<u32>(column, C_OFFSETS) as usize) + ((rowStart(column) as usize) << 2)), P_USED);
  }
}

// The append functions count every value, and store those that the row has room for. They return false for GROW.

export function appendItem(column: usize, from: usize, bytes: u32): bool {
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
export function appendNumber(column: usize): bool {
  const width = load<u32>(column, C_WIDTH);
  const count = load<u32>(column, P_COUNT);
  if (width != RAGGED && count >= width) {
    store<u32>(column, count + 1, P_COUNT);
    return true;
  }
  const bits = Now.value;
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

export function appendFloats(column: usize, from: usize, count: u32): bool {
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

/** Gives an absent column its default, or null; where `blank`, zeros or nothing too. False: GROW, or it is an error. */
export function fillAbsent(column: usize, blank: bool): bool {
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
      Now.value = 0;
      if (hasDefault) Now.value = kind == KIND_INT64 ? load<u64>(from + (k << 3)) : load<u32>(from + (k << 2));
      if (!appendNumber(column)) return false;
    }
  }
  if (width == RAGGED) {
    store<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((Now.row as usize) << 2), rowStart(column) + count, 4);
  }
  store<u8>((load<u32>(column, C_VALIDITY) as usize) + Now.row, hasDefault || !nullable ? 1 : 0);
  return true;
}

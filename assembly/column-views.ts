// Tells where the parts of columns lie, as batches show them: int64 as float64, validity as bitmaps, all else as it is.
// src/records/kernel/columns.ts reads the table; src/records/example-columns.ts builds the same batches as twin.
import {
  C_KIND,
  C_OFFSETS,
  C_ROW_OFFSETS,
  C_VALIDITY,
  C_VALUES,
  COLUMN_BYTES,
  firstValue,
  KIND_BYTES,
  KIND_INT64,
} from './column';

// One entry of the table for each column: u32 addresses and counts
const VIEW_BYTES: usize = 32;
const V_VALUES: usize = 0; // numbers, or bytes of data
const V_VALUE_COUNT: usize = 4;
const V_OFFSETS: usize = 8; // bytes only: i32 offsets of items
const V_ITEMS: usize = 12;
const V_ROW_OFFSETS: usize = 16; // ragged only: i32 offsets of rows
const V_VALIDITY: usize = 20; // bitmap, or NONE where every row is there
const V_UNSAFE: usize = 24; // index of the first int64 that is no safe integer, or NONE

const NONE: u32 = 0xffffffff;

// @ts-ignore: decorator
@inline
function bitmapBytes(rows: u32): usize {
  return (((rows as usize) + 63) >>> 6) << 3;
}

/** The scratch memory that `viewColumns` wants. */
export function viewScratchBytes(columns: usize, count: u32, rows: u32): usize {
  let bytes: usize = 0;
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    if (load<u32>(column, C_KIND) == KIND_INT64) bytes += (firstValue(column, rows) as usize) << 3;
    bytes += bitmapBytes(rows);
  }
  return bytes;
}

/** int64 to float64; returns the index of the first value beyond 2^53 - 1, or NONE. */
function toDoubles(from: usize, to: usize, count: usize): u32 {
  const limit: u64 = (1 << 53) - 1;
  let wide: u64 = 0;
  for (let i: usize = 0; i < count << 3; i += 8) {
    const value = load<i64>(from + i);
    wide |= ((value as u64) + limit > limit << 1) as u64;
    store<f64>(to + i, value as f64);
  }
  if (wide == 0) return NONE;
  let i: u32 = 0;
  while ((load<u64>(from + ((i as usize) << 3)) as u64) + limit <= limit << 1) i++;
  return i;
}

/** Validity bytes to a bitmap; false where every row is there. Up to 15 bytes behind the rows are read. */
function toBitmap(from: usize, to: usize, rows: usize): bool {
  const zero = i8x16.splat(0);
  let all = true;
  for (let r: usize = 0; r < rows; r += 16) {
    let bits = i8x16.bitmask(i8x16.ne(v128.load(from + r), zero)) as u32;
    if (rows - r < 16) bits &= (1 << ((rows - r) as u32)) - 1;
    const full: u32 = rows - r < 16 ? (1 << ((rows - r) as u32)) - 1 : 0xffff;
    all = all && bits == full;
    store<u8>(to + (r >>> 3), bits as u8);
    if (rows - r > 8) store<u8>(to + (r >>> 3), (bits >>> 8) as u8, 1);
  }
  return !all;
}

/** Says in `table` where the first `rows` rows of columns lie, with what has to be made of them in `scratch`. */
export function viewColumns(columns: usize, count: u32, rows: u32, doubles: u32, scratch: usize, table: usize): void {
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    const entry = table + (c as usize) * VIEW_BYTES;
    const values = firstValue(column, rows);
    const from = load<u32>(column, C_VALUES) as usize;
    const kind = load<u32>(column, C_KIND);
    store<u32>(entry, from as u32, V_VALUES);
    store<u32>(entry, values, V_VALUE_COUNT);
    store<u32>(entry, load<u32>(column, C_ROW_OFFSETS), V_ROW_OFFSETS);
    store<u32>(entry, NONE, V_UNSAFE);
    if (kind == KIND_BYTES) {
      const offsets = load<u32>(column, C_OFFSETS) as usize;
      store<u32>(entry, load<u32>(offsets + ((values as usize) << 2)), V_VALUE_COUNT);
      store<u32>(entry, offsets as u32, V_OFFSETS);
      store<u32>(entry, values, V_ITEMS);
    } else if (kind == KIND_INT64 && doubles != 0) {
      store<u32>(entry, scratch as u32, V_VALUES);
      store<u32>(entry, toDoubles(from, scratch, values as usize), V_UNSAFE);
      scratch += (values as usize) << 3;
    }
    if (toBitmap(load<u32>(column, C_VALIDITY), scratch, rows)) {
      store<u32>(entry, scratch as u32, V_VALIDITY);
      scratch += bitmapBytes(rows);
    } else {
      store<u32>(entry, NONE, V_VALIDITY);
    }
  }
}

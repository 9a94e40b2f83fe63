// Packs columns into one run of bytes, as batches hold them, so that they leave the module's memory in one copy.
// src/records/kernel/columns.ts reads the table; src/records/example-columns.ts builds the same batches as twin.
import {
  C_KIND,
  C_OFFSETS,
  C_ROW_OFFSETS,
  C_VALIDITY,
  C_VALUES,
  C_WIDTH,
  COLUMN_BYTES,
  firstValue,
  KIND_BYTES,
  KIND_FLOAT,
  KIND_INT64,
  RAGGED,
} from './column';

// One entry of the table for each column: u32 places from the start of the run, and counts
const PACK_BYTES: usize = 32;
const P_VALUES: usize = 0; // numbers, or bytes of data
const P_VALUE_COUNT: usize = 4;
const P_OFFSETS: usize = 8; // bytes only: i32 offsets of items
const P_ITEMS: usize = 12;
const P_ROW_OFFSETS: usize = 16; // ragged only: i32 offsets of rows
const P_VALIDITY: usize = 20; // bitmap, or NONE where every row is there
const P_UNSAFE: usize = 24; // index of the first int64 that is no safe integer, or NONE

const NONE: u32 = 0xffffffff;

// @ts-ignore: decorator
@inline
function align8(bytes: usize): usize {
  return (bytes + 7) & ~7;
}

/** The most bytes that `rows` rows take when packed. */
export function packedBytes(columns: usize, count: u32, rows: u32): usize {
  let bytes: usize = 0;
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    const values = firstValue(column, rows) as usize;
    if (load<u32>(column, C_KIND) == KIND_BYTES) {
      bytes += align8(load<u32>((load<u32>(column, C_OFFSETS) as usize) + (values << 2)) as usize);
      bytes += align8((values + 1) << 2);
    } else {
      bytes += align8(values << (load<u32>(column, C_KIND) == KIND_FLOAT ? 2 : 3));
    }
    if (load<u32>(column, C_WIDTH) == RAGGED) bytes += align8(((rows as usize) + 1) << 2);
    bytes += align8(((rows as usize) + 7) >>> 3);
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

/** Packs the first `rows` rows of columns to `out`, and says where in `table`. Returns how many bytes it took. */
export function packColumns(
  columns: usize,
  count: u32,
  rows: u32,
  doubles: u32,
  out: usize,
  table: usize,
): usize {
  let at: usize = 0;
  for (let c: u32 = 0; c < count; c++) {
    const column = columns + (c as usize) * COLUMN_BYTES;
    const entry = table + (c as usize) * PACK_BYTES;
    const values = firstValue(column, rows) as usize;
    const from = load<u32>(column, C_VALUES) as usize;
    const kind = load<u32>(column, C_KIND);
    store<u32>(entry, at as u32, P_VALUES);
    store<u32>(entry, values as u32, P_VALUE_COUNT);
    store<u32>(entry, NONE, P_UNSAFE);
    if (kind == KIND_BYTES) {
      const offsets = load<u32>(column, C_OFFSETS) as usize;
      const bytes = load<u32>(offsets + (values << 2)) as usize;
      memory.copy(out + at, from, bytes);
      store<u32>(entry, bytes as u32, P_VALUE_COUNT);
      at += align8(bytes);
      memory.copy(out + at, offsets, (values + 1) << 2);
      store<u32>(entry, at as u32, P_OFFSETS);
      store<u32>(entry, values as u32, P_ITEMS);
      at += align8((values + 1) << 2);
    } else if (kind == KIND_INT64 && doubles != 0) {
      store<u32>(entry, toDoubles(from, out + at, values), P_UNSAFE);
      at += values << 3;
    } else {
      const bytes = values << (kind == KIND_FLOAT ? 2 : 3);
      memory.copy(out + at, from, bytes);
      at += align8(bytes);
    }
    if (load<u32>(column, C_WIDTH) == RAGGED) {
      memory.copy(out + at, load<u32>(column, C_ROW_OFFSETS), ((rows as usize) + 1) << 2);
      store<u32>(entry, at as u32, P_ROW_OFFSETS);
      at += align8(((rows as usize) + 1) << 2);
    }
    if (toBitmap(load<u32>(column, C_VALIDITY), out + at, rows)) {
      store<u32>(entry, at as u32, P_VALIDITY);
      at += align8(((rows as usize) + 7) >>> 3);
    } else {
      store<u32>(entry, NONE, P_VALIDITY);
    }
  }
  return at;
}

// The column descriptor: how a column lies in the module's memory. Every kernel that makes or reads columns (CSV,
// encode, decode, statistics) takes an array of these, COLUMN_BYTES apart. src/records/kernel/columns.ts is the other
// side and must agree with it.
export const COLUMN_BYTES: u32 = 128;

export const KIND_INT64: u32 = 0; // values: i64
export const KIND_FLOAT: u32 = 1; // values: f32
export const KIND_BYTES: u32 = 2; // values: u8, cut by offsets

export const RAGGED: u32 = 0xffffffff;

// u32 fields
export const C_KIND: usize = 0;
export const C_WIDTH: usize = 4; // values in a row; RAGGED for any number
export const C_VALUES: usize = 8; // numbers, or for bytes the data
export const C_VALUES_CAP: usize = 12; // in numbers, or for bytes in bytes of data
export const C_OFFSETS: usize = 16; // bytes only: u32 offsets into the data, items + 1
export const C_ITEMS_CAP: usize = 20; // bytes only: how many items fit
export const C_ROW_OFFSETS: usize = 24; // ragged only: u32 offsets of rows into numbers or items, rows + 1
export const C_VALIDITY: usize = 28; // one BYTE a row, 1 = there; always present
export const C_KEY: usize = 32; // the feature's name, UTF-8
export const C_KEY_LEN: usize = 36;
// Default: C_DEFAULT_COUNT values; numbers as i64/f32; bytes as u32 offsets (count + 1) at C_DEFAULT, data at C_DEFAULT_DATA
export const C_HAS_DEFAULT: usize = 40;
export const C_DEFAULT: usize = 44;
export const C_DEFAULT_COUNT: usize = 48;
export const C_DEFAULT_DATA: usize = 52;
export const C_NULLABLE: usize = 56;
// How much of the column is in use; a kernel that fills columns keeps them up to date.
export const C_USED_VALUES: usize = 60; // ragged numbers: values; bytes: bytes of data
export const C_USED_ITEMS: usize = 64; // bytes: items
// 68 .. 127 are free for the kernel at work (layout predictions, counters)
export const C_SCRATCH: usize = 72;

/** Where the values (bytes: items) of a row begin; for the row behind the last one, how many there are. */
// @ts-ignore: decorator
@inline
export function firstValue(column: usize, row: u32): u32 {
  const width = load<u32>(column, C_WIDTH);
  if (width != RAGGED) return row * width;
  return load<u32>((load<u32>(column, C_ROW_OFFSETS) as usize) + ((row as usize) << 2));
}

// How the statistics of a column lie in memory; src/dataset/statistics-collector.ts is the other side.

// State of a column: u64 fields
export const S_MISSING: usize = 0; // rows
export const S_VALUES: usize = 8; // values of all rows
export const S_NAN: usize = 16;
export const S_POSITIVE_INFINITY: usize = 24;
export const S_NEGATIVE_INFINITY: usize = 32;
export const S_MIN: usize = 40; // int64: i64; float: ordered key; bytes: length
export const S_MAX: usize = 48;
export const S_LIST_MIN: usize = 56; // values in a row
export const S_LIST_MAX: usize = 64;
// int64 and lengths of bytes: sums of the low 32 bits and the (signed) high ones of v, and of the limbs of v * v
export const S_SUM_LOW: usize = 72;
export const S_SUM_HIGH: usize = 80;
export const S_SQUARE_0: usize = 88; // low word of low * low, then its high word
export const S_SQUARE_1: usize = 104; // the same of low * high
export const S_SQUARE_2: usize = 120; // the same of high * high
// u32 fields
export const S_BINS: usize = 136; // float: per exponent u64 sum of mantissas, u64 low and u64 high words of their squares
export const S_REGISTERS: usize = 140;
export const S_SLOTS: usize = 144; // dictionary: u64 hash (0: free), u64 count, u64 value (bytes: number of its record)
export const S_SLOT_MASK: usize = 148;
export const S_RECORDS: usize = 152; // bytes: records of the dictionary
export const S_ENTRIES: usize = 156;
export const S_ENTRIES_CAP: usize = 160;
export const S_OVERFLOWED: usize = 164;
export const S_ITEMS: usize = 168; // sample: f32, i64 or record
export const S_META: usize = 172; // u16 per item: last level << 11 | log4(stride) << 8 | (rows of the block - 1)
export const S_ITEM_COUNT: usize = 176;
export const S_ITEM_CAP: usize = 180;
export const S_LEVEL: usize = 184;

// A record of a bytes value: u64 hash, u32 length, then its first bytes.
export const RECORD: usize = 64;
const RECORD_PREFIX: u32 = 52;

// Scratch
export const X_VALUES: usize = 0; // u64 x 256: values without holes
export const X_KEYS: usize = 2048; // u64 x RUN
export const X_SPARE: usize = 4096; // u64 x RUN
export const X_HISTOGRAM: usize = 6144; // u32 x 8 x 256
export const X_POINTERS: usize = 14336; // u32 x RUN
export const X_LENGTHS: usize = 15360; // u32 x RUN
export const X_HASHES: usize = 16384; // u64 x RUN
export const X_NOTED: usize = 18432; // u64 x SLICE: hashes on their way to the registers
export const X_SLICE: usize = 20480; // u64 x SLICE: keys of numbers
export const X_SUMS: usize = 22528; // twice per exponent: u64 sum of mantissas, u64 of their squares; the scratch ends at 30720

export function putRecord(to: usize, hash: u64, p: usize, length: u32): void {
  store<u64>(to, hash);
  store<u32>(to, length, 8);
  const kept = min(length, RECORD_PREFIX);
  memory.copy(to + 12, p, kept);
  memory.fill(to + 12 + kept, 0, RECORD_PREFIX - kept);
}

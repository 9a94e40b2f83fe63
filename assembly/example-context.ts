// What the parts of the Example decoder share: the context that TypeScript hands over, the slots that predict entries,
// what a column's descriptor remembers of the current row, and the state of the current record.

// The context, u32 fields, written and read by src/records/example-decoder.ts
export const X_COLUMNS: usize = 0;
export const X_COLUMN_COUNT: usize = 4;
export const X_SLOTS: usize = 8;
export const X_SLOT_COUNT: usize = 12;
export const X_HASH: usize = 16; // u32 column + 1, or 0; X_HASH_MASK + 1 of them
export const X_HASH_MASK: usize = 20;
export const X_BASE: usize = 24;
export const X_OFFSETS: usize = 28; // u32 places of payloads from X_BASE
export const X_LENGTHS: usize = 32;
export const X_NEXT: usize = 36; // record to decode next; advances
export const X_END: usize = 40;
export const X_ROW: usize = 44; // row to fill next; advances
export const X_ROW_END: usize = 48;
export const X_COLUMN: usize = 52; // of GROW and of the mismatches
export const X_NEED_VALUES: usize = 56;
export const X_NEED_ITEMS: usize = 60;
export const X_POSITION: usize = 64; // of MALFORMED, in the payload
export const X_FOUND: usize = 68; // kind or count found by a mismatch
export const X_PATIENCE: usize = 72; // records with surprises to take before LEARN; counts down

export const OK: u32 = 0; // all records decoded, or all rows filled
export const GROW: u32 = 1; // X_COLUMN needs room for X_NEED_VALUES and X_NEED_ITEMS
export const LEARN: u32 = 2; // the record before X_NEXT was decoded, and its layout is worth learning
export const MALFORMED: u32 = 3;
export const WRONG_KIND: u32 = 4;
export const WRONG_COUNT: u32 = 5;
export const ABSENT: u32 = 6;

// A slot: the prediction for one entry of the map. That of an entry with a short key lies in two cache lines.
export const SLOT_BYTES: usize = 192;
export const S_OP: usize = 0;
export const S_COLUMN: usize = 4; // address of the descriptor
export const S_LENGTH: usize = 8; // the entry's length byte as learnt
export const S_HEADER: usize = 12; // bytes from the entry's tag to its values
export const S_BLOCKS: usize = 16; // vectors to compare
export const S_REST: usize = 20; // bytes of values less the entry's length byte, modulo 2^32
// Copies of the column's addresses, taken anew by every call
export const S_VALUES: usize = 24;
export const S_VALUES_CAP: usize = 28;
export const S_OFFSETS: usize = 32;
export const S_VALIDITY: usize = 36;
export const S_PLAIN_NULL: usize = 40; // 1: absent is null, in a column of one value a row
export const S_COUNTS: usize = 44; // up to 4 u32: a bit for each byte of a vector that counts
// Up to 4 times two vectors, BLOCK_BYTES apart
export const BLOCK_BYTES: usize = 32;
export const S_EXPECT: usize = 64; // the bytes as learnt
export const S_SHIFT: usize = 80; // 255 where a length stands that changes with the entry's

export const OP_SKIP: u32 = 1;
export const OP_INT: u32 = 2; // one int64
export const OP_FLOAT: u32 = 3; // one float
export const OP_BYTES: u32 = 4; // one bytes item, in a column of one a row
export const OP_LIST: u32 = 5; // packed numbers, or one item of a ragged column

/** How many predicted entries may be passed over before the key is looked up. */
export const PROBE: u32 = 6;

// What parsing a column's value in the current row found, in the free part of its descriptor
export const P_KIND: usize = 72; // 0 nothing, else kind + 1
export const P_COUNT: usize = 76; // values or items
export const P_USED: usize = 80; // bytes only: data in use behind the last item
export const P_SLOT: usize = 84; // address of the slot that predicts it, or 0

/** State of the current record; a module has one owner at a time. */
export abstract class Now {
  /** The context. */
  static ctx: usize = 0;
  static row: u32 = 0;
  /** Columns with a good value. */
  static seen: u32 = 0;
  /** A column of this record may be wrong. */
  static odd: bool = false;
  /** The general parser was needed, so the fast path must mind values that are there already. */
  static surprise: bool = false;
  static status: u32 = OK;
  /** The slot expected next. */
  static predicted: usize = 0;
  /** How many slots the record has passed over. */
  static passed: u32 = 0;
  /** Every column has a slot. */
  static complete: bool = false;
  /** The latest varint. */
  static value: u64 = 0;
}

// What the CSV kernels share: the layout of their state and plan, and their status codes. src/convert/csv/kernel-state.ts
// is the other side.

// The state, u32 fields
export const P_ROW: usize = 0; // where the next row begins
export const P_END: usize = 4; // where the text ends; the byte at this address is a newline
export const P_SCAN: usize = 8; // where the scan goes on
export const P_PARITY: usize = 12; // of the quotes before P_SCAN
export const P_NEXT: usize = 16; // next position in the index
export const P_LAST: usize = 20; // end of the index
export const P_INDEX: usize = 24; // the index: room for INDEX_BLOCK + 68 positions
export const P_CELLS: usize = 28; // the plan: CELL_BYTES for each cell of a row
export const P_CELL_COUNT: usize = 32;
export const P_ABSENT: usize = 36; // addresses of the columns that no cell fills
export const P_ABSENT_COUNT: usize = 40;
export const P_COLUMNS: usize = 44; // all columns
export const P_COLUMN_COUNT: usize = 48;
export const P_MAX_ROWS: usize = 52;
export const P_MAX_ROW_BYTES: usize = 56;
export const P_DELIMITER: usize = 60;
export const P_QUOTE: usize = 64; // 256: none
export const P_BLANK_ROWS: usize = 68; // 1: an empty line is a row of one empty cell
export const P_NULL_LENGTHS: usize = 72; // bit n: there is a null token of n bytes; bit 31: of 31 or more
export const P_QUOTED_NULLS: usize = 76; // 1: null tokens count in quotes too
export const P_NULLS: usize = 80; // pairs of address and length
export const P_NULL_COUNT: usize = 84;
export const P_ROWS: usize = 88; // out: rows in the columns
export const P_GROW_COLUMN: usize = 92; // out, for PARSE_GROW: ordinal of the column, values and items it needs
export const P_GROW_VALUES: usize = 96;
export const P_GROW_ITEMS: usize = 100;
export const P_BAD_CODE: usize = 104; // out, for PARSE_BAD
export const P_BAD_CELL: usize = 108; // which cell, from 0
export const P_BAD_START: usize = 112; // where the cell begins
export const P_BAD_END: usize = 116; // where its content ends, or its quoting goes wrong
export const P_BAD_ROW: usize = 120; // the row: start, end
export const P_BAD_ROW_END: usize = 124;
export const P_BAD_COUNT: usize = 128; // how many cells the row has
// Where the parser stands within a row
export const P_CELL: usize = 132; // the plan of the cell at hand
export const P_START: usize = 136; // where it begins
export const P_POSITION: usize = 140; // the last position taken from the index
// What the last call left in the columns
export const P_USED_ROWS: usize = 144; // their rows, which may be marked as missing; at first all rows
export const P_OPEN: usize = 148; // 1: the plan knows where the columns lie
export const P_INFER: usize = 152; // 0: the plan fills columns; INFER_ALL, INFER_KINDS

export const INFER_ALL: u32 = 1; // counts and ranges too
export const INFER_KINDS: u32 = 2; // what the columns are

// One cell of the plan, u32 fields; behind the last stands one with OP_END
export const CELL_BYTES: u32 = 32;
export const L_OP: usize = 0;
export const L_COLUMN: usize = 4; // address of the column; for OP_INFER of the state in csv-infer.ts
// OP_LIST
export const L_SEPARATOR: usize = 8; // address and length
export const L_SEPARATOR_LENGTH: usize = 12;
// OP_INT, OP_FLOAT, OP_BYTES: what csvParse takes from the column
export const L_DEFAULT: usize = 8; // numbers: 8 bytes, what an empty cell becomes
export const L_CAPACITY: usize = 8; // bytes
export const L_VALUES: usize = 16;
export const L_VALIDITY: usize = 20;
export const L_OFFSETS: usize = 24; // bytes
export const L_EMPTY: usize = 28; // an empty cell is 0: for the slow way, 1: missing, 2: the default (numbers only)
// OP_INFER: the cell, kept here until its row is whole
export const L_START: usize = 16;
export const L_END: usize = 20;
export const L_QUOTED: usize = 24;

export const OP_SKIP: u32 = 0;
export const OP_INT: u32 = 1;
export const OP_FLOAT: u32 = 2;
export const OP_BYTES: u32 = 3;
export const OP_LIST: u32 = 4;
export const OP_INFER: u32 = 5; // where P_INFER says so
export const OP_END: u32 = 6;

export const PARSE_DONE: u32 = 0;
export const PARSE_MORE: u32 = 1;
export const PARSE_BAD: u32 = 2;
export const PARSE_GROW: u32 = 3;

export const BAD_FEW: u32 = 1;
export const BAD_MANY: u32 = 2;
export const BAD_STRAY_QUOTE: u32 = 3;
export const BAD_AFTER_QUOTE: u32 = 4;
export const BAD_OPEN_QUOTE: u32 = 5;
export const BAD_INT: u32 = 6;
export const BAD_INT_RANGE: u32 = 7;
export const BAD_FLOAT: u32 = 8;
export const BAD_LIST: u32 = 9;
export const BAD_ROW_BYTES: u32 = 10;
export const BAD_GROW: u32 = 11; // no bad row: it becomes PARSE_GROW

// The other side of assembly/csv-state.ts.

/** Byte positions of the u32 fields of the parser's state. */
export const P = {
  ROW: 0,
  END: 4,
  SCAN: 8,
  PARITY: 12,
  NEXT: 16,
  LAST: 20,
  INDEX: 24,
  CELLS: 28,
  CELL_COUNT: 32,
  ABSENT: 36,
  ABSENT_COUNT: 40,
  COLUMNS: 44,
  COLUMN_COUNT: 48,
  MAX_ROWS: 52,
  MAX_ROW_BYTES: 56,
  DELIMITER: 60,
  QUOTE: 64,
  BLANK_ROWS: 68,
  NULL_LENGTHS: 72,
  QUOTED_NULLS: 76,
  NULLS: 80,
  NULL_COUNT: 84,
  ROWS: 88,
  GROW_COLUMN: 92,
  GROW_VALUES: 96,
  GROW_ITEMS: 100,
  BAD_CODE: 104,
  BAD_CELL: 108,
  BAD_START: 112,
  BAD_END: 116,
  BAD_ROW: 120,
  BAD_ROW_END: 124,
  BAD_COUNT: 128,
  USED_ROWS: 144,
  INFER: 152,
} as const;
export const STATE_BYTES = 160;
/** Positions that the index of assembly/csv.ts may hold at a time. */
export const INDEX_ENTRIES = 16384 + 68;

/** One cell of the plan. */
export const CELL_BYTES = 32;
export const L = { OP: 0, COLUMN: 4, SEPARATOR: 8, SEPARATOR_LENGTH: 12 } as const;
export const OP = { SKIP: 0, INT: 1, FLOAT: 2, BYTES: 3, LIST: 4, INFER: 5, END: 6 } as const;

/** Values of P.INFER. */
export const INFER = { ALL: 1, KINDS: 2 } as const;

export const PARSE = { DONE: 0, MORE: 1, BAD: 2, GROW: 3 } as const;

/** Why a row is bad. */
export const BAD = {
  FEW: 1,
  MANY: 2,
  STRAY_QUOTE: 3,
  AFTER_QUOTE: 4,
  OPEN_QUOTE: 5,
  INT: 6,
  INT_RANGE: 7,
  FLOAT: 8,
  LIST: 9,
  ROW_BYTES: 10,
} as const;
export type BadCode = (typeof BAD)[keyof typeof BAD];

/** Byte positions of the u32 fields of the scan's state, see assembly/csv-scan.ts. */
export const S = { PARITY: 0, AT_START: 4, CR_AT_START: 8, ROW_ENDS: 12, BLANKS: 16, LINES: 20, QUOTE: 24 } as const;
export const SCAN_BYTES = 32;

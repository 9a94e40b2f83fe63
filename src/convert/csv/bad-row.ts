import { type ErrorCode, ShardfeedError } from '../../errors.js';
import { BAD, type BadCode } from './kernel-state.js';

/** A row that cannot become a record. Structured-cloneable. */
export interface BadRow {
  readonly code: Extract<ErrorCode, 'SHARDFEED_CSV_FIELD' | 'SHARDFEED_CSV_ROW'>;
  /** Ordinal of the row in its chunk, from 0; blank lines do not count. */
  readonly row: number;
  /** Byte offset of the row in its chunk. */
  readonly offset: number;
  /** Newlines of the chunk before the row: its line, where the chunk's first line is 0. */
  readonly line: number;
  /** Name of the CSV column, where one cell is at fault. */
  readonly column?: string;
  /** Text of the cell as written, at most 200 bytes of it. */
  readonly value?: string;
  /** What was expected, and what is there instead. */
  readonly expected: string;
  /** The whole row without its line end; of a row above the size limit, what was read of it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The error for a bad row of a chunk that begins at this line (from 1) and byte of the file. */
export function badRowError(
  bad: BadRow,
  chunk: { path?: string; firstLine: number; offset: number; firstRow?: number },
): ShardfeedError {
  const line = chunk.firstLine + bad.line;
  const where = `${chunk.path ?? 'CSV input'}, line ${line}`;
  const column = bad.column === undefined ? '' : `, column ${JSON.stringify(bad.column)}`;
  const value = bad.value === undefined ? '' : `: ${JSON.stringify(bad.value)}`;
  return new ShardfeedError(bad.code, `${where}${column}${value}: ${bad.expected}`, {
    path: chunk.path,
    column: bad.column,
    offset: chunk.offset + bad.offset,
    line,
    record: chunk.firstRow === undefined ? undefined : chunk.firstRow + bad.row,
  });
}

/** What the message of a bad row needs to know. */
export interface BadRowFacts {
  readonly code: BadCode;
  /** Cells the row has, and should have. */
  readonly count: number;
  readonly wanted: number;
  readonly maxRowBytes: number;
  /** For a list: what stands between its values, and how many values there must be (-1: any number). */
  readonly list?: { readonly separator: string; readonly width: number };
}

/** What was expected of a bad row, in words. */
export function expectedOf(facts: BadRowFacts): string {
  const { code, list } = facts;
  const between = list === undefined ? '' : ` (values with ${JSON.stringify(list.separator)} between them)`;
  switch (code) {
    case BAD.FEW:
    case BAD.MANY:
      return `expected ${facts.wanted} cells, found ${facts.count}`;
    case BAD.STRAY_QUOTE:
      return 'a quote inside an unquoted cell: expected the whole cell in quotes, and the quotes in it doubled';
    case BAD.AFTER_QUOTE:
      return 'expected a delimiter or line end after the closing quote (a quote in a quoted cell is written twice)';
    case BAD.OPEN_QUOTE:
      return 'expected a closing quote before the end of the file';
    case BAD.INT:
      return `expected a whole number, true or false${between}`;
    case BAD.INT_RANGE:
      return `expected a whole number from -9223372036854775808 to 9223372036854775807${between}`;
    case BAD.FLOAT:
      return `expected a number, nan, inf or -inf${between}`;
    case BAD.LIST:
      return `expected ${list?.width} values with ${JSON.stringify(list?.separator)} between them`;
    case BAD.ROW_BYTES:
      return `expected a row of at most ${facts.maxRowBytes} bytes (is a quote never closed?)`;
  }
}

/** Whether the fault lies in the row's shape rather than in one cell's value. */
export function isRowFault(code: BadCode): boolean {
  return code <= BAD.OPEN_QUOTE || code === BAD.ROW_BYTES;
}

/** The cell's text in words: at most 200 bytes, as UTF-8. */
export function shownValue(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.length > 200 ? bytes.subarray(0, 200) : bytes);
}

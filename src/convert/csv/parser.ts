import { KernelColumns } from '../../records/kernel/columns.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import { widthOf } from '../../records/schema.js';
import { type BadRow, expectedOf, isRowFault, shownValue } from './bad-row.js';
import { BAD, type BadCode, CELL_BYTES, INDEX_ENTRIES, L, OP, P, PARSE, STATE_BYTES } from './kernel-state.js';
import type { CsvPlan } from './plan.js';
import { widePowers } from './wide-powers.js';

const COLUMN_BYTES = 128;
const NEWLINE = 10;
/** The kernel reads up to 16 bytes before a cell and 63 behind the text. */
const BEFORE = 32;
const BEHIND = 64;

export interface ParsedRows {
  /** Rows that lie in the columns now. */
  readonly rows: number;
  /** The row behind them, where it is bad. */
  readonly bad?: BadRow;
}

/** Parses chunks of whole CSV rows into columns, compiled once for a plan. No I/O: it runs in any thread. */
export class CsvParser {
  readonly columns: KernelColumns;
  readonly #kernel: Kernel;
  readonly #plan: CsvPlan;
  readonly #state: number;
  #text = 0;
  #textBytes = 0;
  /** Rows of the chunk that were handed out, good and bad. */
  #rows = 0;
  #lines: { until: number; count: number } = { until: 0, count: 0 };

  /** `maxRows` is the most rows that `next` gives at a time. */
  constructor(kernel: Kernel, plan: CsvPlan, maxRows: number) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.columns = new KernelColumns(kernel, plan.schema, maxRows);
    this.#state = openState(kernel, plan);
    this.#set(P.MAX_ROWS, maxRows);
    this.#putPlan();
    this.load(new Uint8Array(0));
  }

  /** Takes a chunk of whole rows, as csvChunks cuts them, in place of the last; the bytes are copied. */
  load(chunk: Uint8Array): void {
    if (this.#textBytes < chunk.length || this.#text === 0) {
      this.#textBytes = Math.max(chunk.length, Math.min(2 * this.#textBytes, chunk.length + (16 << 20)), 1 << 16);
      this.#text = this.#kernel.alloc(BEFORE + this.#textBytes + BEHIND) + BEFORE;
    }
    this.#kernel.u8.set(chunk, this.#text);
    const end = this.#text + chunk.length;
    this.#kernel.u8[end] = NEWLINE;
    this.#set(P.ROW, this.#text);
    this.#set(P.END, end);
    this.#set(P.SCAN, this.#text);
    this.#set(P.PARITY, 0);
    this.#set(P.NEXT, 0);
    this.#set(P.LAST, 0);
    this.#rows = 0;
    this.#lines = { until: 0, count: 0 };
  }

  /**
   * Fills the columns, from their start, with the next rows of the chunk. It stops at a bad row and, called again, goes
   * on behind it. `{ rows: 0 }` without a bad row: the chunk is done.
   */
  next(): ParsedRows {
    const { csvParse } = this.#kernel.exports;
    let status = csvParse!(this.#state, 0);
    while (status === PARSE.GROW) {
      this.columns.grow(this.#get(P.GROW_COLUMN), this.#get(P.GROW_VALUES), this.#get(P.GROW_ITEMS));
      status = csvParse!(this.#state, 1);
    }
    const rows = this.#get(P.ROWS);
    this.#rows += rows;
    return status === PARSE.BAD ? { rows, bad: this.#badRow() } : { rows };
  }

  #badRow(): BadRow {
    const code = this.#get(P.BAD_CODE) as BadCode;
    const start = this.#get(P.BAD_ROW);
    const cell = this.#get(P.BAD_CELL);
    const { schema, separators, names, cells, maxRowBytes } = this.#plan;
    const feature = schema.features[cells[cell] ?? -1];
    const separator = separators[cells[cell] ?? -1];
    const list =
      feature === undefined || separator === undefined ? {} : { list: { separator, width: widthOf(feature) } };
    const expected = expectedOf({
      code,
      count: this.#get(P.BAD_COUNT),
      wanted: names.length,
      maxRowBytes,
      ...list,
    });
    const offset = start - this.#text;
    const line = this.#lineOf(offset);
    const inCell = code !== BAD.FEW && code !== BAD.MANY && code !== BAD.ROW_BYTES;
    const value = inCell ? { value: this.#badValue(code) } : {};
    const column = inCell && names[cell] !== undefined ? { column: names[cell] } : {};
    return {
      code: isRowFault(code) ? 'SHARDFEED_CSV_ROW' : 'SHARDFEED_CSV_FIELD',
      row: this.#rows++,
      offset,
      line,
      ...column,
      ...value,
      expected,
      bytes: rowBytes(this.#kernel.u8, start, this.#get(P.BAD_ROW_END)),
    };
  }

  /** The cell at fault as written; where its quoting is wrong, up to the next delimiter or newline behind the fault. */
  #badValue(code: BadCode): string {
    const { u8 } = this.#kernel;
    const start = this.#get(P.BAD_START);
    let end = this.#get(P.BAD_END);
    if (isRowFault(code)) {
      const delimiter = this.#get(P.DELIMITER);
      const rowEnd = this.#get(P.BAD_ROW_END);
      while (end < rowEnd && u8[end] !== delimiter && u8[end] !== NEWLINE) end++;
    }
    return shownValue(u8.subarray(start, end));
  }

  #lineOf(offset: number): number {
    const { u8 } = this.#kernel;
    let { until, count } = this.#lines;
    const text = u8.subarray(this.#text, this.#text + offset);
    for (let at = text.indexOf(NEWLINE, until); at >= 0; at = text.indexOf(NEWLINE, at + 1)) count++;
    until = offset;
    this.#lines = { until, count };
    return count;
  }

  #putPlan(): void {
    const { schema, cells, separators } = this.#plan;
    const absent = schema.features.map((_, i) => i).filter((i) => !cells.includes(i));
    const columnOf = (i: number): number => this.columns.address + i * COLUMN_BYTES;
    const plan = this.#get(P.CELLS);
    cells.forEach((feature, i) => {
      const at = plan + i * CELL_BYTES;
      if (feature < 0) return;
      const separator = separators[feature];
      const op =
        separator === undefined
          ? { int64: OP.INT, float: OP.FLOAT, bytes: OP.BYTES }[schema.features[feature]!.kind]
          : OP.LIST;
      const list = separator === undefined ? undefined : new TextEncoder().encode(separator);
      const listAt = list === undefined ? 0 : this.#kernel.put(list);
      const { view } = this.#kernel;
      view.setUint32(at + L.OP, op, true);
      view.setUint32(at + L.COLUMN, columnOf(feature), true);
      view.setUint32(at + L.SEPARATOR, listAt, true);
      view.setUint32(at + L.SEPARATOR_LENGTH, list?.length ?? 0, true);
    });
    const list = this.#kernel.alloc(4 * absent.length);
    absent.forEach((feature, i) => {
      this.#kernel.view.setUint32(list + 4 * i, columnOf(feature), true);
    });
    this.#set(P.ABSENT, list);
    this.#set(P.ABSENT_COUNT, absent.length);
    this.#set(P.COLUMNS, this.columns.address);
    this.#set(P.COLUMN_COUNT, schema.features.length);
  }

  #get(field: number): number {
    return this.#kernel.view.getUint32(this.#state + field, true);
  }
  #set(field: number, value: number): void {
    this.#kernel.view.setUint32(this.#state + field, value, true);
  }
}

/** Lays out a parser's state for rows of this dialect, all of it but the columns; every cell is skipped. */
export function openState(
  kernel: Kernel,
  plan: Pick<CsvPlan, 'names' | 'dialect' | 'nulls' | 'quotedNulls' | 'blankRows' | 'maxRowBytes'>,
): number {
  kernel.exports.csvNumberInit!(kernel.put(widePowers()));
  const state = kernel.alloc(STATE_BYTES);
  const index = kernel.alloc(4 * INDEX_ENTRIES);
  const cells = kernel.alloc(CELL_BYTES * plan.names.length);
  const nulls = kernel.alloc(8 * plan.nulls.length);
  kernel.u8.fill(0, state, state + STATE_BYTES);
  kernel.u8.fill(0, cells, cells + CELL_BYTES * plan.names.length);
  let lengths = 0;
  plan.nulls.forEach((token, i) => {
    const bytes = new TextEncoder().encode(token);
    const address = kernel.put(bytes);
    kernel.view.setUint32(nulls + 8 * i, address, true);
    kernel.view.setUint32(nulls + 8 * i + 4, bytes.length, true);
    lengths |= 1 << Math.min(bytes.length, 31);
  });
  const set = (field: number, value: number): void => kernel.view.setUint32(state + field, value, true);
  set(P.INDEX, index);
  set(P.CELLS, cells);
  set(P.CELL_COUNT, plan.names.length);
  set(P.MAX_ROW_BYTES, plan.maxRowBytes);
  set(P.DELIMITER, plan.dialect.delimiter.charCodeAt(0));
  set(P.QUOTE, plan.dialect.quote === null ? 256 : plan.dialect.quote.charCodeAt(0));
  set(P.BLANK_ROWS, plan.blankRows ? 1 : 0);
  set(P.NULL_LENGTHS, lengths);
  set(P.QUOTED_NULLS, plan.quotedNulls ? 1 : 0);
  set(P.NULLS, nulls);
  set(P.NULL_COUNT, plan.nulls.length);
  return state;
}

/** A copy of a row without its line end. */
function rowBytes(u8: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const stop = end > start && u8[end - 1] === 13 ? end - 1 : end;
  return new Uint8Array(u8.subarray(start, stop));
}

import type { Kernel } from '../../records/kernel/kernel.js';
import { widthOf } from '../../records/schema.js';
import { type BadRow, expectedOf, isRowFault, shownValue } from './bad-row.js';
import { BAD, type BadCode, CELL_BYTES, INDEX_ENTRIES, OP, P, PARSE, STATE_BYTES } from './kernel-state.js';
import type { CsvPlan } from './plan.js';
import { widePowers } from './wide-powers.js';

const NEWLINE = 10;
/** The kernel reads up to 16 bytes before a cell and 63 behind the text. */
const BEFORE = 32;
const BEHIND = 64;

/** What is needed to cut text into rows and cells. */
export type RowPlan = Pick<CsvPlan, 'names' | 'dialect' | 'nulls' | 'quotedNulls' | 'blankRows' | 'maxRowBytes'>;

/** The kernel's walk over a chunk of rows, whatever is done with the cells: parser and inference each fill the plan. */
export class RowReader {
  readonly kernel: Kernel;
  readonly plan: RowPlan & Partial<Pick<CsvPlan, 'schema' | 'cells' | 'separators'>>;
  readonly #state: number;
  #text = 0;
  #textBytes = 0;
  /** Rows of the chunk that were handed out, good and bad. */
  #rows = 0;
  /** Newlines counted so far, up to a byte of the chunk. */
  #lines = { until: 0, count: 0 };

  constructor(kernel: Kernel, plan: RowReader['plan']) {
    this.kernel = kernel;
    this.plan = plan;
    this.#state = openState(kernel, plan);
    this.load(new Uint8Array(0));
  }

  /** Takes a chunk of whole rows in place of the last; the bytes are copied. */
  load(chunk: Uint8Array): void {
    if (this.#textBytes < chunk.length || this.#text === 0) {
      this.#textBytes = Math.max(chunk.length, Math.min(2 * this.#textBytes, chunk.length + (16 << 20)), 1 << 16);
      this.#text = this.kernel.alloc(BEFORE + this.#textBytes + BEHIND) + BEFORE;
    }
    this.kernel.u8.set(chunk, this.#text);
    const end = this.#text + chunk.length;
    this.kernel.u8[end] = NEWLINE;
    this.set(P.ROW, this.#text);
    this.set(P.END, end);
    this.set(P.SCAN, this.#text);
    this.set(P.PARITY, 0);
    this.set(P.NEXT, 0);
    this.set(P.LAST, 0);
    this.#rows = 0;
    this.#lines = { until: 0, count: 0 };
  }

  /** Reads on until the chunk ends, MAX_ROWS rows are done or one is bad; `grow` makes room where a column wants it. */
  next(grow: () => void): { readonly rows: number; readonly bad?: BadRow } {
    const { csvParse } = this.kernel.exports;
    let status = csvParse!(this.#state, 0);
    while (status === PARSE.GROW) {
      grow();
      status = csvParse!(this.#state, 1);
    }
    const rows = this.get(P.ROWS);
    this.#rows += rows;
    return status === PARSE.BAD ? { rows, bad: this.#badRow() } : { rows };
  }

  /** Newlines of the chunk before this address; ask in ascending order. */
  linesBefore(address: number): number {
    const text = this.kernel.u8.subarray(this.#text, address);
    let { until, count } = this.#lines;
    if (text.length < until) ({ until, count } = { until: 0, count: 0 });
    for (let at = text.indexOf(NEWLINE, until); at >= 0; at = text.indexOf(NEWLINE, at + 1)) count++;
    this.#lines = { until: text.length, count };
    return count;
  }

  /** Which byte of the chunk lies at this address. */
  offsetOf(address: number): number {
    return address - this.#text;
  }

  get(field: number): number {
    return this.kernel.view.getUint32(this.#state + field, true);
  }
  set(field: number, value: number): void {
    this.kernel.view.setUint32(this.#state + field, value, true);
  }

  #badRow(): BadRow {
    const code = this.get(P.BAD_CODE) as BadCode;
    const start = this.get(P.BAD_ROW);
    const cell = this.get(P.BAD_CELL);
    const { schema, separators, cells, names, maxRowBytes } = this.plan;
    const feature = schema?.features[cells?.[cell] ?? -1];
    const separator = separators?.[cells?.[cell] ?? -1];
    const list = feature && separator !== undefined ? { separator, width: widthOf(feature) } : undefined;
    const count = this.get(P.BAD_COUNT);
    const inCell = code !== BAD.FEW && code !== BAD.MANY && code !== BAD.ROW_BYTES;
    return {
      code: isRowFault(code) ? 'SHARDFEED_CSV_ROW' : 'SHARDFEED_CSV_FIELD',
      row: this.#rows++,
      offset: this.offsetOf(start),
      line: this.linesBefore(start),
      column: inCell ? names[cell] : undefined,
      value: inCell ? this.#badValue(code) : undefined,
      expected: expectedOf({ code, count, wanted: names.length, maxRowBytes, list }),
      bytes: rowBytes(this.kernel.u8, start, this.get(P.BAD_ROW_END)),
    };
  }

  /** The cell at fault as written; where its quoting is wrong, up to the next delimiter or newline behind the fault. */
  #badValue(code: BadCode): string {
    const { u8 } = this.kernel;
    const start = this.get(P.BAD_START);
    let end = this.get(P.BAD_END);
    if (isRowFault(code)) {
      const delimiter = this.get(P.DELIMITER);
      const rowEnd = this.get(P.BAD_ROW_END);
      while (end < rowEnd && u8[end] !== delimiter && u8[end] !== NEWLINE) end++;
    }
    return shownValue(u8.subarray(start, end));
  }
}

/** Lays out the state for rows of this dialect; every cell is skipped until the plan says otherwise. */
function openState(kernel: Kernel, plan: RowPlan): number {
  kernel.exports.csvNumberInit!(kernel.put(widePowers()));
  const state = kernel.alloc(STATE_BYTES);
  const index = kernel.alloc(4 * INDEX_ENTRIES);
  const cells = kernel.alloc(CELL_BYTES * (plan.names.length + 1));
  const nulls = kernel.alloc(8 * plan.nulls.length);
  kernel.u8.fill(0, state, state + STATE_BYTES);
  kernel.u8.fill(0, cells, cells + CELL_BYTES * plan.names.length);
  kernel.view.setUint32(cells + CELL_BYTES * plan.names.length, OP.END, true);
  let lengths = 0;
  plan.nulls.forEach((token, i) => {
    const bytes = new TextEncoder().encode(token);
    const address = kernel.put(bytes);
    kernel.view.setUint32(nulls + 8 * i, address, true);
    kernel.view.setUint32(nulls + 8 * i + 4, bytes.length, true);
    lengths |= 1 << Math.min(bytes.length, 31);
  });
  const { view } = kernel;
  const set = (field: number, value: number): void => view.setUint32(state + field, value, true);
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

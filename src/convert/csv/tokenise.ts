import { BAD, type BadCode } from './kernel-state.js';
import type { ByteDialect } from './plan.js';

const NEWLINE = 10;
const CR = 13;

/** A cell: its content is [start, end) of the text, inside the quotes where it has some. */
export interface RawCell {
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

export interface RawRow {
  readonly start: number;
  /** Where the row's newline stands, or the text ends. */
  readonly end: number;
  /** Delimiters outside quotes, plus one. */
  readonly count: number;
  /** The cells up to the first fault. */
  readonly cells: readonly RawCell[];
  /** What is wrong with the quotes of the cell behind `cells`: where it begins, and where the fault lies. */
  readonly fault?: { readonly code: BadCode; readonly start: number; readonly at: number };
}

/**
 * Cuts text into rows and cells in the plainest way: the twin of the kernel's tokeniser, and what reads headers.
 * Blank rows are left out unless `blankRows`.
 */
export function* tokenise(text: Uint8Array, dialect: ByteDialect, blankRows: boolean): Generator<RawRow> {
  const delimiter = dialect.delimiter.charCodeAt(0);
  const quote = dialect.quote === null ? -1 : dialect.quote.charCodeAt(0);
  let start = 0;
  while (start < text.length) {
    let end = start;
    let count = 1;
    for (let inside = false; end < text.length; end++) {
      const b = text[end];
      if (b === quote) inside = !inside;
      else if (!inside && b === delimiter) count++;
      else if (!inside && b === NEWLINE) break;
    }
    const blank = end === start || (end === start + 1 && text[start] === CR);
    if (!blank || blankRows) yield { start, end, count, ...cellsOf(text, start, end, delimiter, quote) };
    start = end + 1;
  }
}

function cellsOf(
  text: Uint8Array,
  start: number,
  rowEnd: number,
  delimiter: number,
  quote: number,
): Pick<RawRow, 'cells' | 'fault'> {
  const cells: RawCell[] = [];
  let at = start;
  for (;;) {
    const begin = at;
    if (at < rowEnd && text[at] === quote) {
      at++;
      while (at < rowEnd && (text[at] !== quote || text[at + 1] === quote)) at += text[at] === quote ? 2 : 1;
      if (at >= rowEnd) return { cells, fault: { code: BAD.OPEN_QUOTE, start: begin, at: rowEnd } };
      cells.push({ start: begin + 1, end: at, quoted: true });
      at++;
      const closed = at === rowEnd || text[at] === delimiter || (text[at] === CR && at + 1 === rowEnd);
      if (!closed) {
        cells.pop();
        return { cells, fault: { code: BAD.AFTER_QUOTE, start: begin, at } };
      }
      if (text[at] === CR && at + 1 === rowEnd) at++;
    } else {
      while (at < rowEnd && text[at] !== delimiter && text[at] !== quote) at++;
      if (at < rowEnd && text[at] === quote) {
        return { cells, fault: { code: BAD.STRAY_QUOTE, start: begin, at } };
      }
      const end = at === rowEnd && at > begin && text[at - 1] === CR ? at - 1 : at;
      cells.push({ start: begin, end, quoted: false });
    }
    if (at >= rowEnd) return { cells };
    at++;
  }
}

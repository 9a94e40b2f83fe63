import { pipeline, Readable } from 'node:stream';
import { type CsvError, type Options, parse } from 'csv-parse';
import { ShardfeedError } from '../../errors.js';
import { type CheckedCsvOptions, type CsvOptions, checkCsvOptions, isUtf8, needsCsvParse } from './options.js';

export interface TranscodeContext {
  /** For errors. */
  path?: string;
  /** Takes rows that csv-parse cannot read, which are left out. Without it the first of them ends the stream. */
  onBadRow?: (error: ShardfeedError) => void;
}

const PIECE_BYTES = 1 << 16;

/**
 * Turns CSV text of any dialect into text that the byte path reads: other encodings become UTF-8, and what the byte path
 * does not know (escapes, comments, long delimiters, ragged rows ...) is read by csv-parse and written again as RFC 4180,
 * comma and quote. A cell is in quotes if it was, or if it must be. Every row begins on the line on which it began in the
 * source, as far as blank lines in between can see to it, so line numbers stay true. Text in a plain dialect passes as it is.
 * @throws SHARDFEED_CSV_ROW with path and line where quotes are misplaced or bytes do not fit the encoding
 */
export function transcodeCsv(
  source: AsyncIterable<Uint8Array>,
  options: CsvOptions = {},
  context: TranscodeContext = {},
): AsyncIterable<Uint8Array> {
  const csv = checkCsvOptions(options);
  const text = isUtf8(csv.encoding) ? source : decoded(source, csv.encoding, context);
  return needsCsvParse(csv) ? rewritten(text, csv, context) : text;
}

async function* decoded(
  source: AsyncIterable<Uint8Array>,
  encoding: string,
  context: TranscodeContext,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const encoder = new TextEncoder();
  let offset = 0;
  const decode = (bytes?: Uint8Array): Uint8Array => {
    try {
      return encoder.encode(decoder.decode(bytes, { stream: bytes !== undefined }));
    } catch (cause) {
      const message = `${context.path ?? 'CSV input'}: bytes near offset ${offset} are not ${encoding}: give the right encoding`;
      throw new ShardfeedError('SHARDFEED_CSV_ROW', message, { path: context.path, offset, cause });
    }
  };
  for await (const bytes of source) {
    const text = decode(bytes);
    offset += bytes.length;
    if (text.length > 0) yield text;
  }
  const rest = decode();
  if (rest.length > 0) yield rest;
}

/** A cell as csv-parse gives it, its bytes as latin1 characters, behind a mark that tells whether it was in quotes. */
type MarkedCell = string;
const QUOTED = 'q';
const BARE = 'b';

interface ParsedRow {
  record: MarkedCell[];
  /** Where the row ends in the source. */
  info: { bytes: number };
}

async function* rewritten(
  source: AsyncIterable<Uint8Array>,
  csv: CheckedCsvOptions,
  context: TranscodeContext,
): AsyncGenerator<Uint8Array> {
  const lines = new LineCounter();
  const parser = parse(parseOptions(csv, context));
  pipeline(Readable.from(lines.count(source)), parser, () => {});
  const writer = new RowWriter(csv);
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRow>) {
      writer.row(record, lines.until(info.bytes));
      if (writer.size >= PIECE_BYTES) yield writer.take();
    }
  } catch (error) {
    throw isCsvError(error) ? badRow(error, context) : error;
  } finally {
    parser.destroy();
  }
  if (writer.size > 0) yield writer.take();
}

function parseOptions(csv: CheckedCsvOptions, context: TranscodeContext): Options {
  // latin1 keeps bytes that are no UTF-8; whitespace can only be told apart in characters
  const encoding = csv.trim ? 'utf8' : 'latin1';
  const asBytes = (text: string): string => (csv.trim ? text : Buffer.from(text).toString('latin1'));
  const { onBadRow } = context;
  return {
    encoding,
    info: true,
    cast: (value, { quoting }) =>
      (quoting ? QUOTED : BARE) + (csv.trim ? Buffer.from(value).toString('latin1') : value),
    delimiter: asBytes(csv.delimiter),
    quote: csv.quote === null ? null : asBytes(csv.quote),
    escape: csv.quote === null ? null : asBytes(csv.escape ?? csv.quote),
    comment: csv.comment === undefined ? null : asBytes(csv.comment),
    record_delimiter: csv.recordDelimiter === undefined ? ['\r\n', '\n'] : asBytes(csv.recordDelimiter),
    relax_column_count: true, // the byte path counts
    relax_quotes: csv.relaxQuotes,
    trim: csv.trim,
    max_record_size: csv.maxRowBytes,
    ...(onBadRow === undefined
      ? {}
      : {
          skip_records_with_error: true,
          on_skip: (error) => {
            if (error !== undefined) onBadRow(badRow(error, context));
            return undefined;
          },
        }),
  } as Options;
}

/** Counts the lines of what passes through, so that a byte's line can be told while it is near. */
class LineCounter {
  readonly #pieces: { readonly bytes: Uint8Array; readonly start: number }[] = [];
  #end = 0;
  #counted = 0;
  #lines = 0;

  /** Passes the source on, without a byte order mark. */
  async *count(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let head: Uint8Array | undefined = new Uint8Array(0);
    for await (const piece of source) {
      let bytes = piece;
      if (head !== undefined) {
        bytes = Buffer.concat([head, piece]);
        head = bytes.length < 3 ? bytes : undefined;
        if (head !== undefined) continue;
        if (isBom(bytes)) bytes = bytes.subarray(3);
      }
      yield this.#pass(bytes);
    }
    if (head !== undefined && head.length > 0) yield this.#pass(head);
  }

  #pass(bytes: Uint8Array): Uint8Array {
    this.#pieces.push({ bytes, start: this.#end });
    this.#end += bytes.length;
    return bytes;
  }

  /** Newlines before this byte; ask in ascending order. */
  until(offset: number): number {
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      const stop = Math.min(offset - piece.start, piece.bytes.length);
      for (let i = this.#counted - piece.start; i < stop; i++) if (piece.bytes[i] === 10) this.#lines++;
      this.#counted = Math.max(this.#counted, piece.start + stop);
      if (stop < piece.bytes.length) break;
      this.#pieces.shift();
    }
    return this.#lines;
  }
}

/** Writes rows as RFC 4180. */
class RowWriter {
  readonly #relax: boolean;
  #columns: number | undefined;
  #text: string[] = [];
  size = 0;
  /** Newlines written so far. */
  #lines = 0;

  constructor(csv: CheckedCsvOptions) {
    this.#relax = csv.relaxColumnCount;
    this.#columns = csv.columns?.length;
  }

  /** Adds a row behind which the source has had `linesAfter` newlines. */
  row(record: readonly MarkedCell[], linesAfter: number): void {
    const blank = record.length === 1 && record[0] === BARE;
    if (blank && this.#columns !== 1) return; // the next row makes up for the line
    this.#columns ??= record.length;
    const cells = this.#relax ? Array.from({ length: this.#columns }, (_, i) => record[i] ?? BARE) : record;
    const text = `${cells.map(written).join(',')}\n`;
    const lines = newlines(text);
    // in a table of one column a blank line would be a row
    const missing = this.#columns === 1 ? 0 : linesAfter - this.#lines - lines;
    if (missing > 0) this.#add('\n'.repeat(missing), missing);
    this.#add(text, lines);
  }

  take(): Uint8Array {
    const bytes = Buffer.from(this.#text.join(''), 'latin1');
    this.#text = [];
    this.size = 0;
    return bytes;
  }

  #add(text: string, lines: number): void {
    this.#text.push(text);
    this.size += text.length;
    this.#lines += lines;
  }
}

function written(cell: MarkedCell): string {
  const value = cell.slice(1);
  if (cell.startsWith(BARE) && !/[",\r\n]/.test(value)) return value;
  return `"${value.replaceAll('"', '""')}"`;
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function isBom(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function isCsvError(error: unknown): error is CsvError & { lines?: number } {
  return error instanceof Error && 'code' in error && /^(CSV_|INVALID_OPENING_QUOTE)/.test(String(error.code));
}

function badRow(error: CsvError & { lines?: number }, context: TranscodeContext): ShardfeedError {
  const message = `${context.path ?? 'CSV input'}: ${error.message}`;
  const line = typeof error.lines === 'number' ? { line: error.lines } : {};
  return new ShardfeedError('SHARDFEED_CSV_ROW', message, { path: context.path, ...line, cause: error });
}

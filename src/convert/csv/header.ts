import { type ErrorDetails, ShardfeedError } from '../../errors.js';
import type { Schema } from '../../records/schema.js';
import { type CheckedCsvOptions, type CsvOptions, checkCsvOptions, isPlainDialect } from './options.js';
import { byteDialect, listed } from './plan.js';
import { type RawRow, tokenise } from './tokenise.js';

/** What the head of a CSV file says. */
export interface CsvHeader {
  /** Names of the columns, in the order of the cells. */
  readonly names: readonly string[];
  /** Bytes before the first row: byte order mark, blank lines, the header line. */
  readonly bytes: number;
  /** Newlines in them. */
  readonly lines: number;
}

export interface CsvHeaderContext {
  /** Names the columns of files that have no header, in its order. */
  schema?: Schema;
  /** For errors. */
  path?: string;
}

const NEWLINE = 10;

/**
 * Reads the head of a CSV file in a dialect of the byte path, and gives back the bytes behind it, in order. `rest` can be
 * iterated once; leaving it, or calling `return`, closes the source.
 * @throws SHARDFEED_CSV_HEADER where names are missing, empty or repeated, or do not fit the first row
 */
export async function readCsvHeader(
  source: AsyncIterable<Uint8Array>,
  options: CsvOptions = {},
  context: CsvHeaderContext = {},
): Promise<CsvHeader & { readonly rest: AsyncIterableIterator<Uint8Array> }> {
  const csv = checkCsvOptions(options);
  const iterator = source[Symbol.asyncIterator]();
  try {
    const head = await headOf(iterator, csv, context);
    const header = headerOf(head, csv, context);
    return { ...header, rest: restOf(iterator, head.subarray(header.bytes)) };
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
}

/** The first bytes of the file, up to and with its first row that is not blank. */
async function headOf(
  iterator: AsyncIterator<Uint8Array>,
  csv: CheckedCsvOptions,
  context: CsvHeaderContext,
): Promise<Uint8Array> {
  const quote = byteDialect(csv).quote?.charCodeAt(0) ?? -1;
  let bytes = new Uint8Array(1 << 16);
  let length = 0;
  let at = -1; // the scan goes on here, once it is known whether there is a byte order mark
  let inside = false;
  let blank = true;
  for (let ended = false; !ended; ) {
    const next = await iterator.next();
    if (next.done) ended = true;
    else {
      if (length + next.value.length > bytes.length) {
        const larger = new Uint8Array(Math.max(2 * bytes.length, length + next.value.length));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(next.value, length);
      length += next.value.length;
    }
    if (at < 0) {
      if (length < 3 && !ended) continue;
      at = isBom(bytes.subarray(0, length)) ? 3 : 0;
    }
    for (; at < length; at++) {
      const b = bytes[at]!;
      if (b === quote) inside = !inside;
      if (b === NEWLINE && !inside) {
        if (!blank) return bytes.subarray(0, length);
      } else if (b !== 13) blank = false;
    }
    if (length > csv.maxRowBytes) {
      throw wrong(`the first row has more than ${csv.maxRowBytes} bytes (is a quote never closed?)`, context);
    }
  }
  return bytes.subarray(0, length);
}

function headerOf(bytes: Uint8Array, csv: CheckedCsvOptions, context: CsvHeaderContext): CsvHeader {
  if (isPlainDialect(csv) && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))) {
    const encoding = bytes[0] === 0xff ? 'utf-16le' : 'utf-16be';
    throw wrong(`the text is UTF-16, not UTF-8: give the encoding ${encoding}`, context);
  }
  const mark = isBom(bytes) ? 3 : 0;
  const text = bytes.subarray(mark);
  const dialect = byteDialect(csv);
  const first = tokenise(text, dialect, false).next().value as RawRow | undefined;
  const given = csv.columns ?? (csv.header ? undefined : context.schema?.features.map((f) => f.name));
  if (first === undefined) {
    if (given !== undefined) return { names: given, bytes: bytes.length, lines: linesIn(bytes) };
    throw wrong(
      csv.header ? 'the file is empty: expected a header line' : 'the file is empty and no columns are given',
      context,
    );
  }
  const names = given ?? (csv.header ? namesOf(text, first, dialect.quote, context) : numbered(first.count));
  if (names.length !== first.count) {
    const what = csv.columns !== undefined ? 'columns names' : 'the schema has';
    throw wrong(`the first row has ${first.count} cells, ${what} ${names.length}`, context);
  }
  if (!csv.header) return { names, bytes: mark, lines: 0 };
  const end = Math.min(mark + first.end + 1, bytes.length);
  return { names, bytes: end, lines: linesIn(bytes.subarray(0, end)) };
}

function namesOf(text: Uint8Array, row: RawRow, quote: string | null, context: CsvHeaderContext): string[] {
  if (text.subarray(row.start, row.end).includes(0)) {
    throw wrong('there are zero bytes in the header: this is no text, or UTF-16, which wants its encoding', context);
  }
  if (row.fault !== undefined)
    throw wrong(`column ${row.cells.length + 1} of the header has a misplaced quote`, context);
  const names = row.cells.map((cell, i) => {
    const bytes = text.subarray(cell.start, cell.end);
    let name: string;
    try {
      name = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw wrong(`the name of column ${i + 1} is not UTF-8: give the file's encoding`, context, { cause });
    }
    return cell.quoted && quote !== null ? name.replaceAll(quote + quote, quote) : name;
  });
  const seen = new Map<string, number>();
  names.forEach((name, i) => {
    if (name === '')
      throw wrong(`column ${i + 1} of the header has no name; the columns are ${listed(names)}`, context);
    if (name.includes('\r') && !row.cells[i]!.quoted) {
      const hint = 'are lines ended by it? Then give recordDelimiter "\\r"';
      throw wrong(`the header holds a carriage return: ${hint}`, context);
    }
    const twin = seen.get(name);
    if (twin !== undefined) {
      throw wrong(`columns ${twin + 1} and ${i + 1} are both named ${JSON.stringify(name)}`, context, { column: name });
    }
    seen.set(name, i);
  });
  return names;
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `col${i}`);
}

/**
 * Checks that the headers of several files name the same columns, in whatever order.
 * @throws SHARDFEED_CSV_HEADER naming the first file that differs, and what it lacks or has too much
 */
export function checkSameColumns(
  headers: readonly { readonly path: string; readonly names: readonly string[] }[],
): void {
  const [first, ...others] = headers;
  if (first === undefined) return;
  const expected = new Set(first.names);
  for (const { path, names } of others) {
    const has = new Set(names);
    const lacks = first.names.filter((name) => !has.has(name));
    const surplus = names.filter((name) => !expected.has(name));
    if (lacks.length === 0 && surplus.length === 0) continue;
    const parts = [
      ...(lacks.length > 0 ? [`lacks ${listed(lacks)}`] : []),
      ...(surplus.length > 0 ? [`has ${listed(surplus)} too`] : []),
    ];
    const hint = 'give a spec, or drop what is not in all files';
    throw wrong(`unlike ${first.path}, it ${parts.join(' and ')}; ${hint}`, { path });
  }
}

function isBom(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (const b of bytes) if (b === NEWLINE) lines++;
  return lines;
}

function restOf(iterator: AsyncIterator<Uint8Array>, first: Uint8Array): AsyncIterableIterator<Uint8Array> {
  let pending: Uint8Array | undefined = first.length > 0 ? first : undefined;
  return {
    async next() {
      if (pending === undefined) return iterator.next();
      const value = pending;
      pending = undefined;
      return { value, done: false };
    },
    async return() {
      pending = undefined;
      await iterator.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function wrong(message: string, context: CsvHeaderContext, details: ErrorDetails = {}): ShardfeedError {
  return new ShardfeedError('SHARDFEED_CSV_HEADER', `${context.path ?? 'CSV input'}: ${message}`, {
    path: context.path,
    line: 1,
    ...details,
  });
}

import { Kernel } from '../../records/kernel/kernel.js';
import { S, SCAN_BYTES } from './kernel-state.js';
import { MAX_ROW_BYTES } from './options.js';

export interface CsvScanOptions {
  /** A chunk ends with the first row that ends at or behind this many bytes. Default 1 MiB. */
  chunkBytes?: number;
  /** What is above this of a row is left out of its chunk; the parser reports the row as too long. Default 64 MiB. */
  maxRowBytes?: number;
  /** Byte around cells, `null` for none. Default `"`. */
  quote?: string | null;
  /** Empty lines are rows (tables of one column). Default false. */
  blankRows?: boolean;
  /** Where the source's first byte stands in its file. Default 0. */
  offset?: number;
  /** Ordinal of the source's first row. Default 0. */
  firstRow?: number;
  /** Line of the source's first byte, from 1. Default 1. */
  firstLine?: number;
}

/** Whole rows of a CSV file: bytes [offset, offset + length). */
export interface CsvSpan {
  readonly offset: number;
  readonly length: number;
  /** Rows that are not blank, bad ones included. */
  readonly rows: number;
  /** Ordinal of the first of them. */
  readonly firstRow: number;
  /** Line of the first byte, from 1; a newline counts inside quotes too. */
  readonly firstLine: number;
}

export interface CsvChunk extends CsvSpan {
  /** Owned by the receiver. */
  readonly bytes: Uint8Array;
}

const CHUNK_BYTES = 1 << 20;
/** A chunk's last row goes beyond `chunkBytes`: room for most. */
const LAST_ROW_BYTES = 1 << 14;
const WINDOW = 1 << 17;

/**
 * Cuts CSV text into chunks of whole rows. A row ends at a newline before which the row has an even number of quotes.
 * Where the cuts fall depends on `chunkBytes` alone, not on how the source hands out its bytes. The source's arrays are
 * copied before the next one is asked for.
 * @param options.allocate gives memory of this many bytes or more
 */
export async function* csvChunks(
  source: AsyncIterable<Uint8Array>,
  options: CsvScanOptions & { allocate?: (bytes: number) => Uint8Array } = {},
): AsyncGenerator<CsvChunk> {
  const { allocate = (bytes: number) => new Uint8Array(bytes), chunkBytes = CHUNK_BYTES } = options;
  let room: Uint8Array | undefined;
  let used = 0;
  for await (const item of scan(source, options)) {
    if (item instanceof Uint8Array) {
      if (room === undefined || used + item.length > room.length) {
        const larger = allocate(Math.max(chunkBytes + LAST_ROW_BYTES, 2 * used, used + item.length));
        if (room !== undefined) larger.set(room.subarray(0, used));
        room = larger;
      }
      room.set(item, used);
      used += item.length;
    } else {
      yield { ...item, bytes: room!.subarray(0, used) };
      room = undefined;
      used = 0;
    }
  }
}

/** The cuts of csvChunks, without keeping or copying bytes: for a first pass over input that can be read again. */
export async function* csvSpans(
  source: AsyncIterable<Uint8Array>,
  options: CsvScanOptions = {},
): AsyncGenerator<CsvSpan> {
  for await (const item of scan(source, options)) {
    if (!(item instanceof Uint8Array)) yield item;
  }
}

/** Yields the bytes of a span in pieces, then the span. */
async function* scan(source: AsyncIterable<Uint8Array>, options: CsvScanOptions): AsyncGenerator<Uint8Array | CsvSpan> {
  const scanner = new RowScanner(options);
  for await (const piece of source) {
    let from = 0;
    while (from < piece.length) {
      const { taken, kept, span } = scanner.add(from === 0 ? piece : piece.subarray(from));
      if (kept > 0) yield piece.subarray(from, from + kept);
      if (span !== undefined) yield span;
      from += taken;
    }
  }
  const rest = scanner.end();
  if (rest !== undefined) yield rest;
}

interface Added {
  /** Bytes of the piece that are done with. */
  taken: number;
  /** Of them, from the first on, those that belong to the current span. */
  kept: number;
  /** The current span, where it ends with these bytes. */
  span?: CsvSpan;
}

class RowScanner {
  readonly #kernel = new Kernel();
  readonly #state: number;
  readonly #window: number;
  readonly #chunkBytes: number;
  readonly #maxRowBytes: number;
  readonly #blankRows: boolean;
  #offset: number;
  #row: number;
  #line: number;
  #length = 0;
  /** Passing over what is left of a row above the limit, whose span is out already. */
  #skipping = false;

  constructor(options: CsvScanOptions) {
    this.#state = this.#kernel.alloc(SCAN_BYTES);
    this.#window = this.#kernel.alloc(WINDOW + 64);
    this.#chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
    this.#maxRowBytes = options.maxRowBytes ?? MAX_ROW_BYTES;
    this.#blankRows = options.blankRows ?? false;
    this.#offset = options.offset ?? 0;
    this.#row = options.firstRow ?? 0;
    this.#line = options.firstLine ?? 1;
    const quote = options.quote === undefined ? '"' : options.quote;
    this.#set(S.QUOTE, quote === null ? 256 : quote.charCodeAt(0));
    this.#begin();
  }

  add(piece: Uint8Array): Added {
    const { csvCount, csvCountToRowEnd } = this.#kernel.exports;
    if (this.#skipping) {
      const taken = csvCountToRowEnd!(this.#window, this.#put(piece, WINDOW), this.#state);
      this.#offset += taken;
      if (this.#get(S.AT_START) === 1) {
        this.#line += this.#get(S.LINES);
        this.#skipping = false;
        this.#begin();
      }
      return { taken, kept: 0 };
    }
    const free = this.#chunkBytes - 1 - this.#length;
    if (free > 0) {
      const taken = this.#put(piece, Math.min(WINDOW, free));
      csvCount!(this.#window, taken, this.#state);
      this.#length += taken;
      return { taken, kept: taken };
    }
    // at or behind chunkBytes: the next row end cuts
    const allowed = this.#chunkBytes + this.#maxRowBytes + 1 - this.#length;
    const taken = csvCountToRowEnd!(this.#window, this.#put(piece, Math.min(WINDOW, allowed)), this.#state);
    this.#length += taken;
    if (this.#get(S.AT_START) === 1) {
      const span = this.#span();
      this.#begin();
      return { taken, kept: taken, span };
    }
    if (taken < allowed) return { taken, kept: taken };
    const span = this.#span();
    this.#skipping = true;
    this.#set(S.LINES, 0);
    return { taken, kept: taken, span };
  }

  /** What is left at the end of the source. */
  end(): CsvSpan | undefined {
    return this.#skipping || this.#length === 0 ? undefined : this.#span();
  }

  #span(): CsvSpan {
    const blanks = this.#blankRows ? 0 : this.#get(S.BLANKS);
    const openRow = this.#get(S.AT_START) === 0 && (this.#blankRows || this.#get(S.CR_AT_START) === 0);
    const rows = this.#get(S.ROW_ENDS) - blanks + (openRow ? 1 : 0);
    const span = {
      offset: this.#offset,
      length: this.#length,
      rows,
      firstRow: this.#row,
      firstLine: this.#line,
    };
    this.#offset += this.#length;
    this.#row += rows;
    this.#line += this.#get(S.LINES);
    return span;
  }

  #begin(): void {
    this.#length = 0;
    this.#set(S.PARITY, 0);
    this.#set(S.AT_START, 1);
    this.#set(S.CR_AT_START, 0);
    this.#set(S.ROW_ENDS, 0);
    this.#set(S.BLANKS, 0);
    this.#set(S.LINES, 0);
  }

  #put(piece: Uint8Array, most: number): number {
    const count = Math.min(piece.length, most);
    this.#kernel.u8.set(count < piece.length ? piece.subarray(0, count) : piece, this.#window);
    return count;
  }
  #get(field: number): number {
    return this.#kernel.view.getUint32(this.#state + field, true);
  }
  #set(field: number, value: number): void {
    this.#kernel.view.setUint32(this.#state + field, value, true);
  }
}

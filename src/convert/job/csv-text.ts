import { ShardfeedError } from '../../errors.js';
import type { CallOptions } from '../../files/index.js';
import {
  type CsvChunk,
  type CsvOptions,
  type CsvScanOptions,
  type CsvSpan,
  csvChunks,
  csvSpans,
  makeInferencePlan,
} from '../csv/index.js';
import type { RowPlan } from '../csv/row-reader.js';
import { CHUNK_BYTES } from '../options.js';
import { type ByteRanges, openByteRanges } from './byte-ranges.js';
import type { CsvFile } from './csv-files.js';
import { GrowingList } from './growing-list.js';
import type { RecordCount } from './record-count.js';
import { bytesIn } from './records-run.js';
import { passingChunks } from './source.js';
import { SpareBuffers } from './spare-buffers.js';

/** A span of one of the files; row ordinals go on from file to file. */
export interface FileSpan extends CsvSpan {
  readonly file: CsvFile;
}
export interface FileChunk extends FileSpan, CsvChunk {}

/** The text of CSV files that can be read again, in chunks of whole rows whose cuts depend on the text alone. */
export class CsvText {
  readonly files: readonly CsvFile[];
  readonly totalBytes: number;
  /** What chunks are read into: one pass takes over from the other. */
  readonly spare = new SpareBuffers();
  readonly #csv: CsvOptions;
  readonly #call: CallOptions;
  /** The boundaries found by the pass under way, or by one that is through. */
  #spans = new GrowingList<FileSpan>();
  #ahead = false;

  constructor(files: readonly CsvFile[], csv: CsvOptions, signal: AbortSignal | undefined) {
    this.files = files;
    this.totalBytes = files.reduce((n, file) => n + file.size, 0);
    this.#csv = csv;
    this.#call = { signal };
  }

  /** Number of rows, bad ones included; known after `scan` or once all `chunks` have passed. */
  get rows(): number | undefined {
    return this.#spans.complete ? this.#rowsSoFar : undefined;
  }

  rowPlan(file: CsvFile): RowPlan {
    return makeInferencePlan(file.names, this.#csv);
  }

  /** Finds the row boundaries in a pass of its own, until `more` says no. */
  async scan(more: (span: FileSpan) => boolean): Promise<void> {
    const spans = this.#spans;
    for await (const span of this.#cut(csvSpans)) {
      if (!more(span)) return;
      spans.push(span);
    }
    spans.end();
  }

  /** Has `chunks` scan ahead of what it reads: the number of rows becomes known while the first chunks pass. */
  countAhead(): RecordCount {
    this.#ahead = true;
    const spans = this.#spans;
    const rowsSoFar = () => this.#rowsSoFar;
    return {
      get atLeast() {
        return rowsSoFar();
      },
      get exact() {
        return spans.complete;
      },
      grown: () => spans.grown(),
    };
  }

  /** The chunks in order, in memory of `spare`: read where they are known to lie, else found while reading. */
  async *chunks(spare: SpareBuffers): AsyncGenerator<FileChunk> {
    if (this.#spans.complete) yield* this.#read(this.#spans.items, spare);
    else if (this.#ahead) yield* this.#readBehindScan(spare);
    else yield* this.#find(spare);
  }

  /** The chunks that have passed, and perhaps more, from the first one on that begins with a row or behind it. */
  chunksFrom(firstRow: number): AsyncGenerator<FileChunk> {
    return this.#read(this.#spans.items.filter((span) => span.firstRow >= firstRow));
  }

  get #rowsSoFar(): number {
    const last = this.#spans.items.at(-1);
    return last === undefined ? 0 : last.firstRow + last.rows;
  }

  async *#find(spare: SpareBuffers): AsyncGenerator<FileChunk> {
    const spans = this.#spans;
    const allocate = (length: number) => bytesIn(spare.take(length), length);
    const cut = (source: AsyncIterable<Uint8Array>, options: CsvScanOptions) =>
      csvChunks(source, { ...options, allocate });
    try {
      for await (const chunk of this.#cut(cut)) {
        const { bytes: _, ...span } = chunk;
        spans.push(span);
        yield chunk;
      }
      spans.end();
    } finally {
      if (!spans.complete) this.#spans = new GrowingList(); // a look at the first rows
    }
  }

  /** Both passes at once: the scan is some ten times as fast, so the chunks are still in the system's cache. */
  async *#readBehindScan(spare: SpareBuffers): AsyncGenerator<FileChunk> {
    const spans = this.#spans;
    let wanted = true;
    const scan = this.scan(() => wanted).catch((error: unknown) => spans.fail(error));
    try {
      yield* this.#read(spans, spare);
    } finally {
      wanted = false;
      await scan;
    }
  }

  async *#read(spans: Iterable<FileSpan> | AsyncIterable<FileSpan>, spare?: SpareBuffers): AsyncGenerator<FileChunk> {
    let ranges: ByteRanges | undefined;
    let opened: CsvFile | undefined;
    try {
      for await (const span of spans) {
        const { file, offset, length } = span;
        if (opened !== file) {
          await ranges?.close();
          ranges = await openByteRanges(file, offset, this.#call);
          opened = file;
        }
        const bytes = bytesIn(spare?.take(length), length);
        if (!(await ranges!.fill(bytes, offset))) throw changed(file.uri);
        yield { ...span, bytes };
      }
    } finally {
      await ranges?.close();
    }
  }

  async *#cut<T extends CsvSpan>(
    cut: (source: AsyncIterable<Uint8Array>, options: CsvScanOptions) => AsyncGenerator<T>,
  ): AsyncGenerator<T & { file: CsvFile }> {
    let firstRow = 0;
    for (const file of this.files) {
      const { dialect, blankRows, maxRowBytes } = this.rowPlan(file);
      const options = {
        chunkBytes: CHUNK_BYTES,
        quote: dialect.quote,
        blankRows,
        maxRowBytes,
        firstRow,
        offset: file.dataOffset,
        firstLine: file.dataLine,
      };
      for await (const span of cut(passingChunks(file, file.dataOffset, this.#call), options)) {
        firstRow = span.firstRow + span.rows;
        yield { ...span, file };
      }
    }
  }
}

export function changed(uri: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_IO', `${uri} changed while it was read: convert files that nobody is writing`, {
    path: uri,
  });
}

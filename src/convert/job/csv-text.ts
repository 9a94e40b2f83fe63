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
import type { CsvFile } from './csv-files.js';
import { bytesIn } from './records-run.js';
import { passingChunks, readRange } from './source.js';
import { SpanStream } from './span-stream.js';
import type { SpareBuffers } from './spare-buffers.js';

/** A span of one of the files; row ordinals go on from file to file. */
export interface FileSpan extends CsvSpan {
  readonly file: CsvFile;
}
export interface FileChunk extends FileSpan, CsvChunk {}

/** The text of CSV files that can be read again, in chunks of whole rows whose cuts depend on the text alone. */
export class CsvText {
  readonly files: readonly CsvFile[];
  readonly totalBytes: number;
  readonly #csv: CsvOptions;
  readonly #call: CallOptions;
  #spans: FileSpan[] | undefined;
  /** Those that `chunks` has found so far, until it knows all. */
  #passed: readonly FileSpan[] = [];

  constructor(files: readonly CsvFile[], csv: CsvOptions, signal: AbortSignal | undefined) {
    this.files = files;
    this.totalBytes = files.reduce((n, file) => n + file.size, 0);
    this.#csv = csv;
    this.#call = { signal };
  }

  /** Number of rows, bad ones included; known after `scan` or once all `chunks` have passed. */
  get rows(): number | undefined {
    const last = this.#spans?.at(-1);
    return this.#spans === undefined ? undefined : last === undefined ? 0 : last.firstRow + last.rows;
  }

  rowPlan(file: CsvFile): RowPlan {
    return makeInferencePlan(file.names, this.#csv);
  }

  /** Finds the row boundaries in a pass of its own. */
  async scan(onSpan: (span: FileSpan) => void): Promise<void> {
    const spans: FileSpan[] = [];
    for await (const span of this.#cut(csvSpans)) {
      spans.push(span);
      onSpan(span);
    }
    this.#spans = spans;
  }

  /** The chunks in order, in memory of `spare`: read where they are known to lie, else found while reading. */
  async *chunks(spare: SpareBuffers): AsyncGenerator<FileChunk> {
    if (this.#spans === undefined) {
      const spans: FileSpan[] = [];
      this.#passed = spans;
      const allocate = (length: number) => bytesIn(spare.take(length), length);
      const cut = (source: AsyncIterable<Uint8Array>, options: CsvScanOptions) =>
        csvChunks(source, { ...options, allocate });
      for await (const chunk of this.#cut(cut)) {
        const { bytes: _, ...span } = chunk;
        spans.push(span);
        yield chunk;
      }
      this.#spans = spans;
      return;
    }
    yield* this.#read(this.#spans, spare);
  }

  /** The chunks that have passed, from the first one on that begins with a row or behind it. */
  chunksFrom(firstRow: number): AsyncGenerator<FileChunk> {
    return this.#read((this.#spans ?? this.#passed).filter((span) => span.firstRow >= firstRow));
  }

  /** Local files are read chunk by chunk; remote ones as streams, which have several requests in flight. */
  async *#read(spans: readonly FileSpan[], spare?: SpareBuffers): AsyncGenerator<FileChunk> {
    let streamed: CsvFile | undefined;
    let stream: SpanStream | undefined;
    try {
      for (const span of spans) {
        const { file, offset, length } = span;
        const bytes = bytesIn(spare?.take(length), length);
        if (file.fs.openReader === undefined) {
          if (streamed !== file) {
            await stream?.close();
            stream = new SpanStream(file.fs.read(file.path, { ...this.#call, start: offset }), offset);
            streamed = file;
          }
          if (!(await stream!.fill(bytes, offset))) throw changed(file.uri);
        } else {
          const read = await readRange(file, offset, offset + length, { ...this.#call, buffer: bytes.buffer });
          if (read.length < length) throw changed(file.uri);
        }
        yield { ...span, bytes };
      }
    } finally {
      await stream?.close();
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

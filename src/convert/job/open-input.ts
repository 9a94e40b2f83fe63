import { displayPath } from '../../dataset/index.js';
import { ShardfeedError } from '../../errors.js';
import {
  type CallOptions,
  detectFormat,
  type Files,
  HEAD_BYTES,
  openSource,
  type TemporaryFiles,
} from '../../files/index.js';
import type { Batch } from '../../records/batch.js';
import type { Row } from '../../records/row-values.js';
import type { CsvOptions } from '../csv/index.js';
import { checkCsvOptions, isPlainDialect, transcodeCsv } from '../csv/index.js';
import type { ConvertInput } from '../options.js';
import { type InputFile, readRange } from './source.js';

/** What the input is, before a schema is known. */
export type OpenedInput =
  | { readonly kind: 'csv'; readonly files: readonly InputFile[] }
  | { readonly kind: 'tfrecord'; readonly uris: readonly string[] }
  | { readonly kind: 'rows'; readonly rows: AsyncIterable<Row>; readonly count?: number }
  | { readonly kind: 'batches'; readonly batches: AsyncIterable<Batch>; readonly count?: number };

export interface OpenInputOptions {
  readonly format: 'auto' | 'csv' | 'tfrecord';
  readonly csv: CsvOptions;
  readonly files: Files;
  readonly spool: TemporaryFiles;
  readonly signal: AbortSignal | undefined;
  /** Takes rows that cannot be read in their dialect; without it the first of them ends the job. */
  readonly onBadRow?: (error: ShardfeedError) => void;
}

/** Finds out what the input is. CSV files come out readable more than once, uncompressed and in a plain dialect. */
export async function openInput(input: ConvertInput, options: OpenInputOptions): Promise<OpenedInput> {
  if (typeof input === 'string') return openFilesInput([input], await locate([input], options), options);
  if (Array.isArray(input) && input.length > 0 && input.every((item) => typeof item === 'string')) {
    return openFilesInput(input, await locate(input, options), options);
  }
  const count = Array.isArray(input) ? countOf(input) : undefined;
  const { first, all } = await peek(input as AsyncIterable<unknown> | Iterable<unknown>);
  if (first instanceof Uint8Array) {
    const kept = await options.spool.keep(all as AsyncIterable<Uint8Array>, callOf(options));
    return openFilesInput([kept.path], [{ uri: 'standard input', ...kept }], options);
  }
  if (isBatch(first)) return { kind: 'batches', batches: all as AsyncIterable<Batch>, count };
  return { kind: 'rows', rows: all as AsyncIterable<Row>, count };
}

async function locate(uris: readonly string[], options: OpenInputOptions): Promise<InputFile[]> {
  const call = callOf(options);
  const found: InputFile[] = [];
  for (const { fs, path } of await options.files.expand(uris, call)) {
    const { size } = await fs.stat(path, call);
    found.push({ uri: displayPath({ fs, path }), fs, path, size });
  }
  return found;
}

async function openFilesInput(
  uris: readonly string[],
  files: readonly InputFile[],
  options: OpenInputOptions,
): Promise<OpenedInput> {
  const plain = isPlainDialect(checkCsvOptions(options.csv));
  const opened: InputFile[] = [];
  let kind: 'csv' | 'tfrecord' | undefined;
  for (const given of files) {
    // A pipe says that it is empty, and cannot be read twice.
    const file =
      given.size > 0
        ? given
        : { ...given, ...(await options.spool.keep(given.fs.read(given.path, callOf(options)), callOf(options))) };
    const head = await readRange(file, 0, Math.min(HEAD_BYTES, file.size), callOf(options));
    const { codec, content } = detectFormat(head, file.path);
    const found = options.format === 'auto' ? (content ?? 'csv') : options.format;
    if (kind !== undefined && kind !== found) {
      throw new ShardfeedError(
        'SHARDFEED_USAGE',
        `${files[0]!.uri} is ${kind}, ${file.uri} is ${found}: convert them apart, or give the format`,
        {
          path: file.uri,
        },
      );
    }
    kind = found;
    if (found === 'tfrecord' || (codec === 'none' && plain)) opened.push(file);
    else {
      const bytes = openSource(file, { codec, ...callOf(options) }) as AsyncIterable<Uint8Array>;
      const text = plain ? bytes : transcodeCsv(bytes, options.csv, { path: file.uri, onBadRow: options.onBadRow });
      opened.push({ ...file, ...(await options.spool.keep(text, callOf(options))) });
    }
  }
  return kind === 'tfrecord' ? { kind, uris } : { kind: 'csv', files: opened };
}

function callOf({ signal }: { signal: AbortSignal | undefined }): CallOptions {
  return { signal };
}

/** Looks at the first item of an iterable and gives all of them back. */
async function peek(
  items: AsyncIterable<unknown> | Iterable<unknown>,
): Promise<{ first: unknown; all: AsyncIterable<unknown> }> {
  const asynchronous = Symbol.asyncIterator in items;
  if (!asynchronous && !(Symbol.iterator in Object(items))) {
    throw new ShardfeedError('SHARDFEED_USAGE', 'the input is neither a URI nor an iterable of bytes, rows or batches');
  }
  const iterator = asynchronous ? items[Symbol.asyncIterator]() : (items as Iterable<unknown>)[Symbol.iterator]();
  const head = await iterator.next();
  async function* all(): AsyncGenerator<unknown> {
    try {
      for (let item = head; !item.done; item = await iterator.next()) yield item.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { first: head.done ? undefined : head.value, all: all() };
}

function isBatch(item: unknown): item is Batch {
  return typeof item === 'object' && item !== null && 'columns' in item && 'size' in item && 'mask' in item;
}

function countOf(items: readonly unknown[]): number {
  return items.reduce<number>((n, item) => n + (isBatch(item) ? item.size : 1), 0);
}

import { ShardfeedError } from '../errors.js';
import { openFiles, SpoolRoom, TemporaryFiles } from '../files/index.js';
import type { Inference } from './csv/index.js';
import { openCsvFiles } from './job/csv-files.js';
import { CsvText } from './job/csv-text.js';
import { inferCsv } from './job/infer-csv.js';
import { openInput } from './job/open-input.js';
import { type ConvertInput, type ConvertOptions, threadsFor } from './options.js';

export interface InferSchemaOptions
  extends Pick<ConvertOptions, 'csv' | 'files' | 'signal' | 'onProgress' | 'spoolDir' | 'spoolBytes' | 'threads'> {
  /** Look at this many rows only. Default: all. */
  rows?: number;
  /** Kinds that are not to be inferred, by feature name: `{ zip: 'bytes' }`. */
  kinds?: Readonly<Record<string, 'int64' | 'float' | 'bytes'>>;
  /** Features that are labels. */
  labels?: readonly string[];
  /** Leave bad rows out instead of throwing at the first. Default false. */
  skipBad?: boolean;
}

/**
 * Looks at CSV input (URIs, patterns, or a stream of bytes) and tells the narrowest schema that all its rows fit; per
 * column its kind, gaps, range, an estimate of its distinct values, and why it became bytes.
 * @throws SHARDFEED_CSV_HEADER, SHARDFEED_CSV_ROW, SHARDFEED_NOT_FOUND
 */
export async function inferSchema(input: ConvertInput, options: InferSchemaOptions = {}): Promise<Inference> {
  const { csv = {}, files = openFiles(), signal, spoolDir, spoolBytes, kinds, labels } = options;
  const spool = new TemporaryFiles(new SpoolRoom({ dir: spoolDir, limit: spoolBytes }));
  try {
    const opened = await openInput(input, { format: 'auto', csv, files, spool, signal });
    if (opened.kind !== 'csv') {
      throw new ShardfeedError('SHARDFEED_USAGE', `a schema is inferred from CSV, the input is ${opened.kind}`);
    }
    const text = new CsvText(await openCsvFiles(opened.files, csv, { signal }), csv, signal);
    return await inferCsv(text, {
      csv,
      detail: 'all',
      rows: options.rows,
      skipBad: options.skipBad ?? false,
      threads: threadsFor(options.threads, text.totalBytes),
      signal,
      onProgress: options.onProgress,
      kinds,
      labels,
    });
  } finally {
    await spool.close();
  }
}

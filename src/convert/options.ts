import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { ShardfeedError } from '../errors.js';
import type { Files } from '../files/index.js';
import { recordOf } from '../record-of.js';
import type { Batch } from '../records/batch.js';
import type { Row } from '../records/row-values.js';
import type { Schema } from '../records/schema.js';
import type { CsvOptions } from './csv/options.js';

/**
 * What convert reads: URIs or glob patterns of CSV or TFRecord files; CSV bytes; rows; or column batches. Rows and
 * batches come as any iterable, an array included.
 */
export type ConvertInput =
  | string
  | readonly string[]
  | AsyncIterable<Uint8Array>
  | AsyncIterable<Row>
  | AsyncIterable<Batch>
  | Iterable<Row>
  | Iterable<Batch>;

export type Partitioning = 'range' | 'round-robin' | 'hash' | 'shuffle';

export interface ConvertOptions {
  input: ConvertInput;
  /** URI of the dataset folder to make. */
  output: string;
  /** Number of part files (of each split). Default 1. */
  partitions?: number;
  /** Instead of `partitions`: start a new part when this many uncompressed bytes are in one. Only `range` and `shuffle`. */
  targetBytes?: number;
  /** shardfeed's schema or a tf2-onspark model spec. Without it the schema is inferred. */
  spec?: Schema | Readonly<Record<string, unknown>>;
  /** False leaves the `outputs` of a model spec away. Default true. */
  outputs?: boolean;
  /** Infer the schema from all rows (true), or from the first `rows` rows with strict checking after. Default: no spec given. */
  infer?: boolean | { rows: number };
  /** What the input files are. Default `auto`: by their bytes. */
  format?: 'auto' | 'csv' | 'tfrecord';
  csv?: CsvOptions;
  /**
   * How records get to parts: `range` keeps the input order, parts differ by one record at most (default);
   * `round-robin`; `hash` of `key`; `shuffle` makes a uniform permutation from `seed`, then ranges.
   */
  partitionBy?: Partitioning;
  /** Feature whose value decides the part (`hash`) and, unless `splitKey` is given, the split. */
  key?: string;
  /** Seed of `shuffle` and of splits. Default 0. */
  seed?: number;
  /** Named sub-datasets and their shares, such as `{ train: 0.8, test: 0.2 }`; a record's split is a hash of its key or bytes. */
  split?: Readonly<Record<string, number>>;
  /** Feature that decides the split; records with equal values stay together. Default: the whole record. */
  splitKey?: string;
  /** Default `none`. */
  compression?: 'none' | 'gzip' | 'zlib';
  /** Cut gzip output in members of about this many uncompressed bytes, so that it can be sharded; 0 makes one member. Default 1 MiB. */
  memberBytes?: number;
  /** Name parts `part-r-00000.tfrecord` instead of `part-r-00000`. Compressed parts get `.gz` or `.deflate` in either case. Default false. */
  extension?: boolean;
  /** Replace an existing dataset, atomically. Default false. */
  overwrite?: boolean;
  /**
   * Worker threads beside the calling one, which helps them; 0: it works alone. The result never depends on it. Default: one
   * less than the cores, at most 15; 0 for small inputs.
   */
  threads?: number;
  /** Put column statistics in the manifest. Default: where the schema is inferred. */
  statistics?: boolean;
  /** Write `_index/<part>.idx`. Default true. */
  index?: boolean;
  /** Bad CSV rows and corrupt input records: `error` (default), `skip`, or `quarantine` (also written to a file). */
  badRows?: 'error' | 'skip' | 'quarantine';
  /** With `skip` and `quarantine`: more bad rows than this end the job. Default no limit. */
  badRowBudget?: number;
  /** With `quarantine`: URI of the JSON lines file that gets the bad rows. Default `<output>.quarantine.jsonl`. */
  quarantine?: string;
  /** Local folder for temporary data (shuffle, many hash parts, input that cannot be read twice). Default the system's. */
  spoolDir?: string;
  /** More bytes of temporary data than this are an error. Default: what the disk holds. */
  spoolBytes?: number;
  /** Which file systems URIs can name. Default: the built-in ones. */
  files?: Files;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  phase: 'scan' | 'infer' | 'convert' | 'write';
  /** Rows (records) done in this phase. */
  rows: number;
  /** Input bytes done in this phase. */
  bytes: number;
  /** Input bytes of this phase in all, where known. */
  totalBytes?: number;
}

/** Input is cut into pieces of about this size, whatever the number of threads. */
export const CHUNK_BYTES = 1 << 20;
const SMALL_INPUT = 4 << 20;

const schema = z.object({
  output: z.string().min(1),
  partitions: z.int().min(1).max(100_000).optional(),
  targetBytes: z.int().min(1).optional(),
  outputs: z.boolean().default(true),
  infer: z.union([z.boolean(), z.strictObject({ rows: z.int().min(1) })]).optional(),
  format: z.enum(['auto', 'csv', 'tfrecord']).default('auto'),
  partitionBy: z.enum(['range', 'round-robin', 'hash', 'shuffle']).default('range'),
  key: z.string().min(1).optional(),
  seed: z.int().default(0),
  split: recordOf(
    z.number().positive(),
    z.string().regex(/^[^/_.][^/]*$/, 'a split name begins with no _ or . and holds no /'),
  ).optional(),
  splitKey: z.string().min(1).optional(),
  compression: z.enum(['none', 'gzip', 'zlib']).default('none'),
  memberBytes: z
    .int()
    .min(0)
    .default(1 << 20),
  extension: z.boolean().default(false),
  overwrite: z.boolean().default(false),
  threads: z.int().min(0).max(256).optional(),
  statistics: z.boolean().optional(),
  index: z.boolean().default(true),
  badRows: z.enum(['error', 'skip', 'quarantine']).default('error'),
  badRowBudget: z.int().min(0).optional(),
  quarantine: z.string().min(1).optional(),
  spoolDir: z.string().min(1).optional(),
  spoolBytes: z.int().min(0).optional(),
});

/** The scalar options with their defaults filled in and checked against each other. */
export type CheckedOptions = z.infer<typeof schema>;

const OBJECTS = ['input', 'spec', 'csv', 'files', 'signal', 'onProgress'] as const;

/** @throws SHARDFEED_USAGE naming the option and the offending value */
export function checkOptions(options: ConvertOptions): CheckedOptions {
  const scalars: Record<string, unknown> = { ...options };
  for (const key of OBJECTS) delete scalars[key];
  const result = schema.strict().safeParse(scalars);
  if (!result.success) throw usage(z.prettifyError(result.error).replaceAll('✖ ', '').replaceAll('\n', ' '));
  const checked = result.data;
  if (checked.partitions !== undefined && checked.targetBytes !== undefined) {
    throw usage('give either partitions or targetBytes, not both');
  }
  if (checked.partitionBy === 'hash' && checked.key === undefined) throw usage('partitionBy hash wants a key');
  if (checked.targetBytes !== undefined && (checked.partitionBy === 'hash' || checked.partitionBy === 'round-robin')) {
    throw usage(`targetBytes works with range and shuffle; ${checked.partitionBy} wants partitions`);
  }
  if (checked.key !== undefined && checked.partitionBy !== 'hash' && checked.split === undefined) {
    throw usage('key is used by partitionBy hash and by split only');
  }
  if (options.spec !== undefined && options.infer !== undefined && options.infer !== false) {
    throw usage('give either a spec or infer, not both');
  }
  if (checked.quarantine !== undefined && checked.badRows !== 'quarantine') {
    throw usage("quarantine names a file: it wants badRows 'quarantine'");
  }
  return checked;
}

/** Worker threads for an input of this many bytes. */
export function threadsFor(asked: number | undefined, inputBytes: number): number {
  if (asked !== undefined) return asked;
  return inputBytes < SMALL_INPUT ? 0 : Math.min(availableParallelism(), 16) - 1;
}

/** Statistics come with an inferred schema, unless the caller says otherwise. */
export function wantsStatistics(checked: Pick<CheckedOptions, 'statistics'>, spec: ConvertOptions['spec']): boolean {
  return checked.statistics ?? spec === undefined;
}

function usage(message: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', message);
}

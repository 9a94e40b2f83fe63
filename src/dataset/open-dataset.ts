import { setMaxListeners } from 'node:events';
import { inspect } from 'node:util';
import { isShardfeedError, ShardfeedError } from '../errors.js';
import {
  type CacheOptions,
  type CallOptions,
  cachingFiles,
  displayPath,
  type Files,
  openFiles,
} from '../files/index.js';
import {
  type Batch,
  type DecodedValue,
  decodeExample,
  type Int64As,
  LossLedger,
  type Projected,
  parseSchema,
  type Schema,
} from '../records/index.js';
import type { Catalog, CatalogPart } from './catalog.js';
import { checkOptions, Kinds, type OptionKinds } from './known-options.js';
import { findLocality, type Locality } from './locality.js';
import type { Manifest } from './manifest.js';
import { type CatalogOptions, openCatalog } from './open-catalog.js';
import { Ordinals } from './order/index.js';
import { keptIndexes, PartIndexes } from './part-indexes.js';
import { BatchStream, type StreamSource } from './pipeline/index.js';
import { makePlan, type OrderQuality, orderQuality, type Plan, type PlanOptions, planFactsOf } from './plan/index.js';
import type { Position } from './position.js';
import { type ReadCounters, zeroCounters } from './read-counters.js';
import { BATCHES_OPTIONS, type BatchesOptions, closedError, type EpochSource, epochSource } from './read-epoch.js';
import { readRecord } from './read-record.js';
import { ReadingThreads, UnpackedParts, type UnpackOptions } from './reader/index.js';
import { ScanCache } from './scan-cache.js';
import type { StatisticsJson } from './statistics.js';

export interface OpenDatasetOptions<S extends Schema = Schema> extends CatalogOptions {
  /** What the records hold; of a literal the batches' types follow. Default: see `CatalogOptions`. */
  schema?: S;
  /** Memory for indexes that are in use, in bytes. Default 256 MiB. */
  indexCacheBytes?: number;
  /**
   * The folder of this machine that keeps what scans of foreign files found; false: none. Default: `SHARDFEED_CACHE_DIR`, else
   * `shardfeed` in the user's folder for caches.
   */
  scanCache?: string | false;
  /**
   * Where compressed files are unpacked that cannot be entered in the middle: each once, and until the dataset is closed or the
   * process ends.
   */
  unpack?: UnpackOptions;
  /** Keeps what is read of the files, in memory or on local disk, for remote ones that are read more than once. Default: nothing. */
  cache?: CacheOptions;
}

const OPEN_OPTIONS: OptionKinds<OpenDatasetOptions> = {
  schema: true,
  policy: true,
  maxRecordBytes: Kinds.positive,
  indexCacheBytes: Kinds.bytes,
  scanCache: { wanted: 'a folder or false', is: (value) => value === false || Kinds.text.is(value) },
  cache: true,
  unpack: true,
  files: { wanted: 'what openFiles() gives', is: (value) => typeof (value as Files | null)?.expand === 'function' },
  signal: Kinds.signal,
};
const CACHE_OPTIONS: OptionKinds<CacheOptions> = { bytes: Kinds.bytes, folder: Kinds.text, pageBytes: Kinds.positive };

const UNPACK_OPTIONS: OptionKinds<UnpackOptions> = { bytes: Kinds.bytes, folder: Kinds.text };

/** A part file of a dataset, as users see it. */
export type DatasetFile = Pick<CatalogPart, 'name' | 'bytes' | 'records' | 'compression' | 'splittable'> & {
  /** URI or path. */
  readonly path: string;
};

/**
 * Opens TFRecord files as one dataset: a folder, files, patterns, or several of them. With a manifest or indexes no record is
 * read; other files are read once, and what was found is kept on this machine.
 * @throws SHARDFEED_NOT_FOUND; SHARDFEED_STALE where files differ from manifest or index; SHARDFEED_MANIFEST; SHARDFEED_USAGE for
 * two files of one name; SHARDFEED_UNSUPPORTED for what is no TFRecord file; SHARDFEED_SCHEMA_MISMATCH where files contradict each
 * other; SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED and SHARDFEED_CORRUPT_STREAM for damaged files without index
 */
export async function openDataset<const S extends Schema = Schema>(
  source: string | readonly string[],
  options: OpenDatasetOptions<S> = {},
): Promise<Dataset<S>> {
  checkSource(source);
  checkOptions('openDataset', options, OPEN_OPTIONS);
  if (options.cache !== undefined) checkOptions('cache', options.cache, CACHE_OPTIONS);
  if (options.unpack !== undefined) checkOptions('unpack', options.unpack, UNPACK_OPTIONS);

  new LossLedger(options.policy ?? 'error'); // says what is wrong with it before anything is read
  const { indexCacheBytes, scanCache, cache: pages, unpack, ...rest } = options;
  // What was inferred of a dataset without records has no features.
  if (rest.schema !== undefined && rest.schema?.features?.length !== 0) rest.schema = parseSchema(rest.schema) as S;
  const cache = scanCache === false ? undefined : new ScanCache(scanCache);
  const files = pages === undefined ? options.files : cachingFiles(options.files ?? openFiles(), pages);
  const kept = keptIndexes(indexCacheBytes);
  const catalog = await openCatalog(source, { ...rest, ...(files && { files }), cache, kept });
  const { policy = 'error', maxRecordBytes } = options;
  const indexes = new PartIndexes(catalog, { kept, cache, maxRecordBytes, strict: policy === 'error' });
  const counters = zeroCounters();
  return new Dataset<S>({
    catalog,
    indexes,
    unpacked: new UnpackedParts(catalog.parts, counters, unpack),
    pool: new ReadingThreads(catalog.parts),
    policy,
    maxRecordBytes,
    ownFiles: files !== undefined,
    cached: pages !== undefined,
    counters,
  });
}

/** TFRecord files as one dataset; see {@link openDataset}. */
export class Dataset<S extends Schema = Schema> implements AsyncDisposable {
  readonly #source: EpochSource;
  readonly #catalog: Catalog;
  readonly #indexes: PartIndexes;
  readonly #counters: ReadCounters;
  readonly #ordinals: Ordinals;
  #files: readonly DatasetFile[] | undefined;
  readonly #closed = new AbortController();

  /** Use {@link openDataset}. */
  constructor(source: Omit<EpochSource, 'closed'>) {
    setMaxListeners(0, this.#closed.signal);
    this.#source = { ...source, closed: this.#closed.signal };
    this.#catalog = source.catalog;
    this.#indexes = source.indexes;
    this.#counters = source.counters;
    this.#ordinals = new Ordinals(this.#catalog.parts.map(({ records }) => records));
  }

  get schema(): S {
    return this.#catalog.schema as S;
  }
  /** Records of all files. */
  get count(): number {
    return this.#catalog.records;
  }
  /** The part files in the order in which their records are numbered. */
  get files(): readonly DatasetFile[] {
    this.#files ??= this.#catalog.parts.map((part) => {
      const { name, bytes, records, compression, splittable } = part;
      return { path: displayPath(part), name, bytes, records, compression, splittable };
    });
    return this.#files;
  }
  /** SHA-256 over names and records; a copy elsewhere has the same one. See `fingerprintOf`. */
  get fingerprint(): string {
    return this.#catalog.fingerprint;
  }
  /** Those of the manifest, where all its parts are in the dataset. */
  get statistics(): StatisticsJson | undefined {
    return this.#catalog.statistics;
  }
  /** Where all its parts are in the dataset. */
  get manifest(): Manifest | undefined {
    return this.#catalog.manifest;
  }

  /**
   * The batches of one worker in one epoch, in the order that fingerprint, seed, epoch and shuffle decide, whatever the number of
   * workers. Each has a `position`: give it to `batches` of any worker, or `from`, to go on right behind it.
   * @throws SHARDFEED_USAGE and SHARDFEED_POSITION at once. While they are read: SHARDFEED_CHANGED and SHARDFEED_NOT_FOUND for a file
   * that is not what it was, SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_RANGE, and by policy SHARDFEED_CORRUPT_RECORD and its kin or
   * SHARDFEED_BUDGET
   */
  batches<I extends Int64As = 'number', const C extends string = string>(
    options: BatchesOptions<I, C> = {},
  ): BatchStream<Batch<Projected<S, C>, I>, Position> {
    this.#refuseClosed();
    return new BatchStream(epochSource(this.#source, options) as StreamSource<Batch<Projected<S, C>, I>, Position>);
  }

  /**
   * One record by its number in the dataset, as an object; see `decodeExample`. Of a file that cannot be split all is read up to
   * the record.
   * @throws SHARDFEED_RANGE; SHARDFEED_CORRUPT_RECORD and its kin whatever the policy, as there is nothing to stand for it;
   * SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_MALFORMED_EXAMPLE; SHARDFEED_CHANGED and SHARDFEED_NOT_FOUND for a file that is not what it was
   */
  async get(ordinal: number, options: CallOptions = {}): Promise<Record<string, DecodedValue | DecodedValue[] | null>> {
    this.#refuseClosed();
    if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal >= this.count) {
      throw new ShardfeedError(
        'SHARDFEED_RANGE',
        `there is no record ${ordinal}: the dataset has ${this.count} records`,
      );
    }
    const i = this.#ordinals.partOf(ordinal);
    const record = ordinal - this.#ordinals.startOf(i);
    const part = this.#catalog.parts[i]!;
    const offsets = await this.#indexes.get(i, options);
    const payload = await readRecord(part, offsets, record, options);
    this.#counters.records++;
    return decodeOne(payload, this.schema, { path: displayPath(part), offset: offsets.offsetOf(record), record });
  }

  /**
   * Who reads what in an epoch, in how many steps, and what that costs; nothing is read for it.
   * @throws SHARDFEED_USAGE; SHARDFEED_POSITION
   */
  plan(options: PlanOptions = {}): Plan {
    // Options of batches are let pass, so that one object can serve both.
    checkOptions('plan', options, BATCHES_OPTIONS);
    return makePlan(planFactsOf(this.#catalog), options);
  }

  /** How well the order that the options give mixes a dataset whose records are sorted; see {@link OrderQuality}. */
  orderQuality(options: PlanOptions = {}): OrderQuality {
    checkOptions('orderQuality', options, BATCHES_OPTIONS);
    return orderQuality(planFactsOf(this.#catalog), options);
  }

  /**
   * Where the records lie, for workers on the hosts given, one for each rank. One rank finds it and all are given the same, as
   * the option `locality` of `plan` and `batches`.
   */
  async locality(hosts: readonly string[], options: CallOptions = {}): Promise<Locality> {
    this.#refuseClosed();
    if (!Kinds.names.is(hosts)) {
      throw new ShardfeedError('SHARDFEED_USAGE', 'locality wants a list of hosts, one for each rank');
    }
    return findLocality(this.#catalog.parts, hosts, options);
  }

  /** What reading did so far. */
  stats(): Readonly<ReadCounters> {
    return { ...this.#counters };
  }

  /** Gives up what is kept and ends all reads, with an error for who goes on. A second call does nothing. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#indexes.close();
    await Promise.all([this.#source.pool.close(), this.#source.unpacked.close()]);
  }

  /** What `console.log` shows. */
  [inspect.custom](): unknown {
    const { count, fingerprint, schema, files } = this;
    const features = schema.features.map(({ name }) => name);
    return { dataset: `${count} records in ${files.length} files`, features, fingerprint };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #refuseClosed(): void {
    if (this.#closed.signal.aborted) throw closedError();
  }
}

function checkSource(source: unknown): void {
  if (source instanceof URL) {
    throw new ShardfeedError('SHARDFEED_USAGE', `openDataset takes URIs as text: give url.href, ${source.href}`);
  }
  const all: readonly unknown[] = Array.isArray(source) ? source : [source];
  if (all.length === 0 || all.some((uri) => typeof uri !== 'string' || uri === '')) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      'openDataset wants a folder, a file or a pattern, or a list of one or more',
    );
  }
}

function decodeOne(payload: Uint8Array, schema: Schema, where: { path: string; offset: number; record: number }) {
  try {
    return decodeExample(payload, schema);
  } catch (error) {
    if (!isShardfeedError(error)) throw error;
    const { code, message, column } = error;
    const what = `${message} in record ${where.record} of ${where.path}`;
    throw new ShardfeedError(code, what, { ...where, column, cause: error });
  }
}

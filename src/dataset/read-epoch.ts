import { channel } from 'node:diagnostics_channel';
import { ShardfeedError, throwIfAborted } from '../errors.js';
import { type CallOptions, Scope } from '../files/index.js';
import {
  type Batch,
  type CorruptionPolicy,
  type Int64As,
  type Loss,
  LossLedger,
  project,
  type Schema,
} from '../records/index.js';
import type { Catalog } from './catalog.js';
import { type EpochFacts, type EpochOptions, type EpochShare, epochShare } from './epoch-share.js';
import { checkOptions, Kinds, type OptionKinds, oneOf } from './known-options.js';
import type { PartIndexes } from './part-indexes.js';
import type { Positioned, StreamSource, StreamStart } from './pipeline/index.js';
import { MOST_AMPLIFICATION, makePlan, type Plan, planFactsOf } from './plan/index.js';
import type { Position } from './position.js';
import type { ReadCounters } from './read-counters.js';
import { type ReadingThreads, readStages, type UnpackedParts } from './reader/index.js';

/** What `Dataset.batches` takes. */
export interface BatchesOptions<I extends Int64As = Int64As, C extends string = string>
  extends EpochOptions,
    CallOptions {
  /** Decode only these features, in this order. Default: all of the schema. */
  columns?: readonly C[];
  /** What int64 columns become, default `'number'`: a value beyond 2^53 is then an error. */
  int64?: I;
  /** Verify the checksums of payloads too, default true. Those of headers are always verified. */
  checkCrc?: boolean;
  /**
   * Batches are borrowed: each is valid only until the next one is asked for, then its memory is used again. Default false.
   */
  reuse?: boolean;
  /** Most raw bytes that are held beyond the records in use. Default 64 MiB. */
  prefetchBytes?: number;
  /**
   * Threads that read, verify and decode; 0 (default): the thread that asks. Batches do not depend on it. Not with file
   * systems of your own or a `cache`, which cannot go to a thread.
   */
  threads?: number;
  /** Read with `shuffle: 'global'` also where that reads more than twice the bytes, without a `cache`. Default false. */
  allowAmplification?: boolean;
  /** Told of each loss, with the batch in which the record would count. */
  onLoss?: (loss: Loss) => void;
}

/** Of `Dataset.batches`. */
export const BATCHES_OPTIONS: OptionKinds<BatchesOptions> = {
  rank: true,
  worldSize: true,
  globalBatchSize: true,
  perRankBatchSize: true,
  tail: true,
  mode: true,
  seed: true,
  epoch: true,
  locality: true,
  position: true,
  shuffle: true,
  lanes: true,
  columns: Kinds.names,
  int64: oneOf('number', 'bigint'),
  checkCrc: Kinds.flag,
  reuse: Kinds.flag,
  prefetchBytes: Kinds.bytes,
  threads: Kinds.count,
  allowAmplification: Kinds.flag,
  onLoss: Kinds.callback,
  signal: Kinds.signal,
};

/** Told of each batch: rank, step since where reading began, rows, and what the consumer waited for it. */
const batchChannel = channel('shardfeed:batch');

/** Of local files in their own order: most of this and of what is read ahead stays in a core's cache, and stages are not too many. */
const LOCAL_STAGE_BYTES = 2 << 20;

/** What an epoch is read from. */
export interface EpochSource {
  readonly catalog: Catalog;
  readonly indexes: PartIndexes;
  readonly unpacked: UnpackedParts;
  readonly pool: ReadingThreads;
  readonly policy: CorruptionPolicy;
  readonly maxRecordBytes: number | undefined;
  /** The dataset was opened with file systems of the caller's. */
  readonly ownFiles: boolean;
  /** What was read is kept on this machine. */
  readonly cached: boolean;
  /** Added to while reading. */
  readonly counters: ReadCounters;
  /** Fires when the dataset is closed, which ends every read. */
  readonly closed: AbortSignal;
}

export function closedError(cause?: unknown): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', 'the dataset is closed: read from it before close()', { cause });
}

/** To open a file takes as long as to read this much: a stage of small files is a stage of few. */
const FILE_BYTES = 64 << 10;

/**
 * The batches of a rank, epoch by epoch, as a source of streams.
 * @throws SHARDFEED_USAGE, SHARDFEED_POSITION at once; what `readStages` throws while it is read
 */
export function epochSource<I extends Int64As>(
  source: EpochSource,
  options: BatchesOptions<I>,
): StreamSource<Batch<Schema, I>, Position> {
  const { parts, schema, fingerprint } = source.catalog;
  const facts: EpochFacts = {
    counts: Float64Array.from(parts, ({ records }) => records),
    bytes: parts.reduce((sum, { bytes }) => sum + (bytes && Math.max(bytes, FILE_BYTES)), 0),
    fingerprint,
    ...(parts.every(({ fs }) => fs.scheme === 'file') ? { stageBytes: LOCAL_STAGE_BYTES } : {}),
  };
  // What is wrong with the options is said here, not when the first batch is asked for.
  checkOptions('batches', options, BATCHES_OPTIONS);
  const first = epochShare(facts, options);
  if (first.order.kind === 'global' && !source.cached && options.allowAmplification !== true) {
    checkAmplification(makePlan(planFactsOf(source.catalog), options));
  }
  checkThreads(options.threads ?? 0, source.ownFiles);
  if (options.columns !== undefined) project(schema, options.columns);
  const shareOf = ({ position, epoch }: Pick<StreamStart<Position>, 'position' | 'epoch'>): EpochShare => {
    if (position !== undefined) return epochShare(facts, { ...options, epoch: undefined, position });
    return epoch === 0 ? first : epochShare(facts, { ...options, epoch: (options.epoch ?? 0) + epoch });
  };
  return {
    open: (start) => readEpoch(source, shareOf, options, start),
    after: (batches, epoch) => shareOf({ position: undefined, epoch }).positionAfter(batches, 0),
    borrowed: options.reuse === true && !options.threads,
    signal: options.signal,
    resumed: options.position !== undefined,
  };
}

/** A permutation of all records reads each by itself. */
function checkAmplification({ amplification }: Plan): void {
  if (amplification <= MOST_AMPLIFICATION) return;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `shuffle: 'global' reads each record by itself, here ${amplification.toFixed(1)} x the bytes: shuffle in windows ` +
      '(shuffle: true), open the dataset with a `cache`, or accept it by allowAmplification: true',
  );
}

function checkThreads(threads: number, ownFiles: boolean): void {
  if (threads > 0 && ownFiles) {
    const what =
      'the dataset was opened with `files` or a `cache`, which cannot go to a thread: leave them out, or read with threads: 0';
    throw new ShardfeedError('SHARDFEED_UNSUPPORTED', what);
  }
}

async function* readEpoch<I extends Int64As>(
  source: EpochSource,
  shareOf: (start: StreamStart<Position>) => EpochShare,
  options: BatchesOptions<I>,
  start: StreamStart<Position>,
): AsyncGenerator<Positioned<Batch<Schema, I>, Position>> {
  const { catalog, policy, maxRecordBytes, counters, closed } = source;
  const share = shareOf(start);
  const scope = new Scope(start.signal, closed);
  const { signal } = scope;
  const { columns, int64, checkCrc, reuse: borrow, prefetchBytes, threads: count, onLoss } = options;
  const threads = count ? { count, pool: source.pool } : undefined;
  const ledger = new LossLedger(policy, onLoss);
  const reading = { schema: catalog.schema, columns, int64, checkCrc, borrow, prefetchBytes, threads, maxRecordBytes };
  try {
    throwIfAborted(signal);
    const batches = readStages(catalog.parts, source, share.stages(), { ...reading, ledger, signal, counters });
    let asked = performance.now();
    for await (const { batch, step } of batches) {
      const waitedMs = performance.now() - asked;
      counters.starvedMs += waitedMs;
      if (batchChannel.hasSubscribers) batchChannel.publish({ rank: share.rank, step, rows: batch.size, waitedMs });
      const { size, columns: values, mask } = batch as Batch<Schema, I>;
      yield { size, columns: values, mask, position: share.positionAfter(step + 1, ledger.lost) };
      asked = performance.now();
    }
  } catch (error) {
    if (closed.aborted && !start.signal.aborted) throw closedError(error);
    throw error;
  } finally {
    scope.end();
  }
}

import type { BatchesOptions, BatchStream, Dataset } from '../../dataset/index.js';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/batch.js';

/** What a rank is to read. */
export interface EpochStart {
  readonly rank: number;
  readonly worldSize: number;
  /** From 0. */
  readonly epoch: number;
  readonly signal: AbortSignal;
  /** Of the last batch that counted, where a checkpoint goes on within the epoch and batches have positions. */
  readonly position?: unknown;
}

/** Batches of a rank and an epoch. Where a rank has fewer than others, it takes part in their steps without rows. */
export type BatchSource = (start: EpochStart) => AsyncIterable<Batch> | Iterable<Batch>;

/** Options of `Dataset.batches` that are not the trainer's to set. */
export type ReadOptions = Omit<BatchesOptions, 'rank' | 'worldSize' | 'epoch' | 'position' | 'signal' | 'reuse'>;

/** What is read: a dataset, or batches of the caller's own. */
export interface TrainData {
  readonly dataset?: Dataset;
  /** How the dataset is read: `globalBatchSize`, `shuffle`, `columns`, ... */
  readonly read?: ReadOptions;
  /** What is done with the dataset's batches before the model sees them, such as `(stream) => stream.map(compileFeatures(...))`. */
  readonly prepare?: (stream: BatchStream) => BatchStream;
  /** Instead of a dataset. */
  readonly batches?: BatchSource;
}

/** Data in one form: a source, and what is known of it. */
export interface OpenedData {
  readonly source: BatchSource;
  readonly fingerprint: string | undefined;
  /** Rows of all ranks in a step, where it is known. */
  readonly globalBatchSize: number | undefined;
}

/** @throws SHARDFEED_USAGE where there is not exactly one of dataset and batches, and what `Dataset.plan` throws */
export function openData(
  what: string,
  { dataset, read = {}, prepare, batches }: TrainData,
  worldSize: number,
  defaults: ReadOptions,
): OpenedData {
  if ((dataset === undefined) === (batches === undefined)) {
    throw new ShardfeedError('SHARDFEED_USAGE', `${what} takes either a dataset or batches`);
  }
  if (batches !== undefined) return { source: batches, fingerprint: undefined, globalBatchSize: undefined };
  const options = { ...defaults, ...read };
  const { globalBatchSize } = dataset!.plan({ ...options, worldSize });
  return {
    fingerprint: dataset!.fingerprint,
    globalBatchSize,
    source: ({ rank, epoch, signal, position }) => {
      const stream = dataset!.batches({ ...options, rank, worldSize, epoch, signal });
      return (prepare?.(stream) ?? stream).prefetch().from(position) as AsyncIterable<Batch>;
    },
  };
}

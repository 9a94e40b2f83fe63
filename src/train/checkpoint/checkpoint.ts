import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';
import { recordOf } from '../../record-of.js';

/** What a tensor of a checkpoint can consist of. */
export type CheckpointArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** A tensor of a checkpoint, row-major. */
export interface CheckpointTensor {
  readonly shape: readonly number[];
  readonly values: CheckpointArray;
}

/** By name, such as `weights/dense/kernel`. */
export type CheckpointTensors = Readonly<Record<string, CheckpointTensor>>;

/** What a checkpoint says of the training, apart from its tensors. */
export interface CheckpointInfo {
  /** Updates that the weights have seen: training goes on with the step of this number, as steps count from 0. */
  readonly step: number;
  readonly epoch: number;
  /** Of the run: what dropout, shuffling and initial weights follow from. */
  readonly seed: number;
  /** Ranks of the run. Another number may go on: the same data in the same order, sums equal up to rounding. */
  readonly worldSize: number;
  /** Of the dataset trained on. */
  readonly fingerprint?: string | undefined;
  /** Where the epoch's data stands: what `Position` of a dataset is as JSON. */
  readonly position?: unknown;
  /** Optimizer specs. */
  readonly optimizers?: unknown;
  /** What is not finite comes back as NaN. */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  /** Milliseconds since 1970. Default: now. */
  readonly savedAt?: number | undefined;
  /** Whatever else its maker wants back. */
  readonly extra?: unknown;
}

/** A training's state at the boundary between two updates. */
export interface Checkpoint {
  readonly info: CheckpointInfo;
  readonly tensors: CheckpointTensors;
}

const count = z.int().min(0);
const number = z.number().nullable();

const infoJson = z.object({
  step: count,
  epoch: count,
  seed: z.int(),
  worldSize: z.int().min(1),
  fingerprint: z.string().optional(),
  // These are what JSON.parse gave.
  position: z.unknown().optional(),
  optimizers: z.unknown().optional(),
  metrics: recordOf(number.transform((value) => value ?? Number.NaN)).optional(),
  savedAt: count.optional(),
  extra: z.unknown().optional(),
});

/** Checks what `JSON.parse` gave, or a caller. @throws SHARDFEED_CHECKPOINT */
export function parseInfo(value: unknown, path?: string): CheckpointInfo {
  const result = infoJson.safeParse(value);
  if (result.success) return result.data;
  throw invalid(`what it says of the training is wrong: ${z.prettifyError(result.error)}`, path);
}

export function invalid(why: string, path?: string, cause?: unknown): ShardfeedError {
  return new ShardfeedError('SHARDFEED_CHECKPOINT', path === undefined ? why : `the checkpoint ${path}: ${why}`, {
    path,
    cause,
  });
}

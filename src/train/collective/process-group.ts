import type { TrainMemory } from '../kernel/train-memory.js';
import type { NumericArray } from '../numeric-array.js';

/** How values of several ranks become one. `mean` is the sum divided by the number of ranks (int32: rounded towards zero). */
export type ReduceOp = 'sum' | 'mean' | 'max' | 'min';

/**
 * What a rank is busy with. Each has its own deadline (see {@link Deadlines}): a rank that makes no progress in it for longer is
 * stuck, which ends the job on every rank with an error that names it.
 */
export type Phase = 'join' | 'load' | 'first-step' | 'step' | 'checkpoint' | 'evaluate';

/** The ways that a group's ranks exchange data. */
export type Implementation = 'local' | 'shm' | 'tcp';

/**
 * The ranks of one job. Every rank calls the same operations in the same order; what differs between ranks (operation, size, type,
 * step, plan) is SHARDFEED_COLLECTIVE on all of them, not a hang. Names follow torch.distributed and MPI.
 *
 * Arrays in the group's `memory` are worked on in place; others are copied in and out. All operations reject with
 * SHARDFEED_RANK_TIMEOUT (a rank is silent or stuck), SHARDFEED_RANK_FAILED (a rank died or told of its error), SHARDFEED_COLLECTIVE, or
 * SHARDFEED_ABORTED (closed here), and name the first rank at fault; the group is of no use after that.
 */
export interface ProcessGroup extends AsyncDisposable {
  readonly rank: number;
  readonly worldSize: number;
  readonly implementation: Implementation;
  /** The same on all ranks, and over the restarts of a launcher that says so. */
  readonly jobId: string;
  /** How often the job was started before. */
  readonly attempt: number;
  /** Shared with the communication thread; the model's flat buffers are best made in it. */
  readonly memory: TrainMemory;
  /**
   * Whether the launcher has asked to write a checkpoint and leave. It is up to date even in code that computes synchronously; ranks may
   * see it a step apart, so what is done about it must be agreed on, such as by a reduction.
   */
  readonly stopRequested: boolean;
  /**
   * Fires once operations reject, with their error as its reason: for waits for something else, such as data, that would otherwise last
   * though the job has failed.
   */
  readonly signal: AbortSignal;

  /** Reduces in place: afterwards every rank's array holds the same bits. */
  allReduce<A extends NumericArray>(array: A, op?: ReduceOp): Promise<A>;
  /** The same, and this thread waits for it: for code that computes synchronously, as tfjs does. */
  allReduceSync<A extends NumericArray>(array: A, op?: ReduceOp): A;
  /** Reduces as allReduce does, and gives this rank's slice of the result, a view of `array`: elements floor(r n / M) to floor((r + 1) n / M). */
  reduceScatter<A extends NumericArray>(array: A, op?: ReduceOp): Promise<A>;
  /** The ranks' arrays one behind the other, by rank; lengths may differ. */
  allGather<A extends NumericArray>(array: A): Promise<A>;
  /** Copies the root's array (default: rank 0) to all, in place. */
  broadcast<A extends NumericArray>(array: A, root?: number): Promise<A>;
  /** The root's JSON value, for all; other ranks' argument is ignored. */
  broadcastObject<T>(value: T | undefined, root?: number): Promise<T>;
  /** The ranks' JSON values, by rank. */
  allGatherObject<T>(value: T): Promise<T[]>;
  barrier(): Promise<void>;

  /** Says what this rank does from now on, and at which step: it is progress, and what an error on other ranks tells. */
  enter(phase: Phase, step?: number): void;
  /** Sends a JSON value to the launcher, where there is one; never waits. */
  report(message: object): void;
  /** Tells all ranks that this one cannot go on, so that they end at once with its name and stack. */
  fail(error: unknown): Promise<void>;
  /** Leaves the group; ends the communication thread. Waits (bounded) for the others to have all that was sent. Twice is fine. */
  close(): Promise<void>;
}

/** Seconds; each at least 0.1. */
export interface Deadlines {
  /** Until all ranks have joined. Default 300. */
  readonly join?: number;
  /** A rank of which nothing is heard for so long is dead. Default 10. */
  readonly silence?: number;
  /** A rank that takes longer than this for a step is stuck. Default 120. */
  readonly step?: number;
  /** The same for the phases; default: load 3,600, first step 600, checkpoint 1,800, evaluate 3,600. */
  readonly load?: number;
  readonly firstStep?: number;
  readonly checkpoint?: number;
  readonly evaluate?: number;
}

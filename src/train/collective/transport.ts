import type { ReduceOp } from './process-group.js';

export type DataType = 'float32' | 'float64' | 'int32';

/** Consecutive values in the memory that a rank's threads share. */
export interface Span {
  /** Byte address, aligned to the type. */
  readonly address: number;
  readonly count: number;
  readonly type: DataType;
}

/**
 * A way to move and reduce numbers between the ranks; it runs in the communication thread, one operation at a time, after the ranks have
 * agreed that they do the same. It never blocks the thread's event loop for longer than a few milliseconds, since heartbeats and
 * what tells of dead ranks go through that. It need not check anything: when a rank dies, `close` rejects what is under way.
 */
export interface Transport {
  readonly name: 'shm' | 'tcp';
  /**
   * In place. `sum`: every element is ((x0 + x1) + x2) + ..., by rank, bits equal for shm and direct tcp.
   * `slices`: only the own slice (see ProcessGroup.reduceScatter) needs to be right afterwards.
   */
  allReduce(span: Span, op: Exclude<ReduceOp, 'mean'>, slices: boolean): Promise<void>;
  /** Each rank has its part `parts[rank]` already in place; fetches those of the others. The parts lie one behind the other. */
  allGather(parts: readonly Span[]): Promise<void>;
  broadcast(span: Span, root: number): Promise<void>;
  /** Rejects what is under way with the reason, and gives back what it holds. */
  close(reason: unknown): void;
}

import type { TrainKernel } from '../kernel/train-memory.js';
import type { SharedWasmMemory } from '../kernel/train-module.js';
import type { Mesh } from './mesh.js';
import type { Implementation, ReduceOp } from './process-group.js';

export type DataType = 'float32' | 'float64' | 'int32';

/** Consecutive values in the memory that a rank's threads share. */
export interface Span {
  /** Byte address, aligned to the type. */
  readonly address: number;
  readonly count: number;
  readonly type: DataType;
}

/** The most bytes that a rank gives to one exchange: a header, and 64 KiB that an operation moves without another round. */
export const EXCHANGE_BYTES = 65536 + 64;

/** Bytes of memory that a transport has for itself. */
export const SCRATCH_BYTES = 4 << 20;

/** What a transport is made of. */
export interface TransportTools {
  readonly mesh: Mesh;
  readonly memory: SharedWasmMemory;
  /** This thread's instance on the memory. */
  readonly kernel: TrainKernel;
  /** Address of SCRATCH_BYTES in the memory, 64-aligned. */
  readonly scratch: number;
}

/**
 * A way to move and reduce numbers between the ranks; it runs in the communication thread, one operation at a time. It never blocks the
 * thread's event loop for longer than a few milliseconds, since heartbeats and what tells of dead ranks go through that. It need not
 * check anything: when a rank dies, `close` rejects what is under way.
 */
export interface Transport {
  readonly name: Implementation;
  /**
   * All ranks' bytes, by rank, own ones included; their lengths may differ, up to EXCHANGE_BYTES. So every operation begins: the ranks see
   * whether they do the same, and what is small is done with it. The other three come after that, for more than 64 KiB.
   * The arrays are valid until the next call.
   */
  exchange(mine: Uint8Array): Promise<readonly Uint8Array[]>;
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

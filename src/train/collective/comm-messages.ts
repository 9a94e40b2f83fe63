import type { MessagePort } from 'node:worker_threads';
import type { SerializedError } from '../../dataset/worker-pool.js';
import type { SharedWasmMemory } from '../kernel/train-module.js';
import type { Culprit } from './mesh.js';
import type { MeshOptions } from './mesh-join.js';
import type { Command, Gathered } from './operations.js';
import type { Implementation, Phase } from './process-group.js';

/** What the communication thread is started with. */
export interface CommThreadData {
  readonly memory: SharedWasmMemory;
  /** See {@link STATE}. */
  readonly state: Int32Array;
  readonly port: MessagePort;
  /** Addresses in the memory: SCRATCH_BYTES, and 2 x INLINE_BYTES. */
  readonly scratch: number;
  readonly foldArea: number;
  readonly mesh: Omit<MeshOptions, 'signal' | 'planHash'>;
  readonly planHash: string;
  readonly implementation: 'shm' | 'tcp' | 'auto';
  readonly launcherFd: number | undefined;
}

/** What the cells of the shared state mean. */
export const STATE = {
  /** Changes, and wakes who waits, with each message of the communication thread. */
  messages: 0,
  /** Changes several times a second, as long as that thread lives. */
  pulse: 1,
  /** 1 when the launcher has asked to stop. */
  stop: 2,
  cells: 16,
} as const;

export type ToCommThread =
  | { readonly id: number; readonly command: Command }
  | { readonly enter: { readonly phase: Phase; readonly step: number } }
  | { readonly report: object }
  | { readonly fail: SerializedError }
  /** `orderly`: nothing is under way here. */
  | { readonly close: { readonly orderly: boolean; readonly step: number } };

export type FromCommThread =
  | { readonly joined: Implementation }
  | { readonly warning: string }
  | { readonly done: number; readonly result: Gathered | undefined }
  /** Nothing will be done any more, and why. */
  | { readonly failed: GroupError }
  /** The answer to `fail`: the others have been told. */
  | { readonly told: true };

/** An error, and who was at fault where that is known. */
export type GroupError = SerializedError & { readonly culprit?: Culprit | undefined };

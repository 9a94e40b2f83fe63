import type { Culprit, WorkerMessage } from './messages.js';
import type { Exit } from './worker-process.js';

type Told<M> = M extends { type: 'joined' | 'phase' | 'report' | 'done' } ? M & { readonly rank: number } : never;

/** What happens in a job. `report` is what the script's group was given to report: see `ProcessGroup.report`. */
export type LaunchEvent =
  | {
      readonly type: 'start';
      readonly attempt: number;
      readonly workers: number;
      /** By rank; undefined for one that could not be started. */
      readonly pids: readonly (number | undefined)[];
      readonly port: number;
    }
  | Told<WorkerMessage>
  /** `killed`: by the launcher. */
  | ({ readonly type: 'exit'; readonly rank: number; readonly killed: boolean } & Exit)
  /** `final`: why the job is not started again, where that could not help. */
  | { readonly type: 'failed'; readonly attempt: number; readonly culprit: Culprit; readonly final?: string }
  | { readonly type: 'restart'; readonly attempt: number; readonly workers: number; readonly pauseMs: number };

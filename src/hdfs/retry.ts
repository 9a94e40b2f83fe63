import { type ErrorCode, isShardfeedError, ShardfeedError } from '../errors.js';
import { pause as wait } from '../files/index.js';
import { Fault } from './fault.js';

export interface RetryOptions {
  /** Milliseconds in which an operation is tried again, from its start or its last progress. Default 80,000. */
  patience: number;
  /** The same while no server of the cluster has ever answered. Default 15,000. */
  firstContact: number;
  /** Milliseconds of the first pause; each next one is twice as long, less a random part. Default 100. */
  pause: number;
  /** The longest pause. Default 5,000. */
  longestPause: number;
}

export const RETRY: RetryOptions = { patience: 80_000, firstContact: 15_000, pause: 100, longestPause: 5_000 };
/** Where waiting rarely helps: a block that no living data node has comes back only with a data node. */
const SHORT_PATIENCE: Partial<Record<ErrorCode, number>> = {
  SHARDFEED_HDFS_BLOCK_MISSING: 30_000,
  SHARDFEED_IO: 15_000,
};

/** What is being tried, for messages: `cannot <action> <path>`. */
export interface Task {
  readonly action: string;
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
}

/** The attempts at one operation: decides whether there is another, waits for it, and words the error at the end. */
export class Attempts {
  readonly #task: Task;
  readonly #options: RetryOptions;
  readonly #faults = new Map<string, { fault: Fault; times: number }>();
  #since = Date.now();
  #round = 0;
  #count = 0;

  constructor(task: Task, options: RetryOptions) {
    this.#task = task;
    this.#options = options;
  }

  /** Something was achieved: patience begins anew. */
  progressed(): void {
    this.#since = Date.now();
    this.#round = 0;
  }

  /**
   * Resolves when it is time for another attempt. `pause: false` where another server is asked at once.
   * @throws ShardfeedError where none will help or the time is up
   */
  async again(error: unknown, { reached = true, pause = true } = {}): Promise<void> {
    if (!(error instanceof Fault)) throw error;
    this.#count++;
    const same = this.#faults.get(`${error.server} ${error.message}`);
    this.#faults.set(`${error.server} ${error.message}`, { fault: error, times: (same?.times ?? 0) + 1 });
    if (error.remedy === 'none') throw this.#failure(error);
    const ms = pause ? this.#pause() : 0;
    if (Date.now() + ms - this.#since > this.#patience(error, reached)) throw this.#failure(error);
    if (ms > 0) await wait(ms, this.#task.path, this.#task);
  }

  #patience(fault: Fault, reached: boolean): number {
    const { patience, firstContact } = this.#options;
    if (!reached) return Math.min(patience, firstContact);
    return Math.min(patience, SHORT_PATIENCE[fault.code] ?? patience);
  }

  #pause(): number {
    const { pause, longestPause } = this.#options;
    return Math.min(longestPause, pause * 2 ** this.#round++) * (0.5 + Math.random() / 2);
  }

  #failure(fault: Fault): ShardfeedError {
    const { action, path } = this.#task;
    const tried = [...this.#faults.values()].map(
      ({ fault: { server, message }, times }) => `${server}: ${message}${times > 1 ? ` (${times} times)` : ''}`,
    );
    const seconds = Math.round((Date.now() - this.#since) / 1000);
    const how = this.#count > 1 ? `; gave up after ${this.#count} attempts in ${seconds} s` : '';
    return new ShardfeedError(fault.code, `cannot ${action} ${path}: ${tried.join('; ')}${how}`, {
      path,
      cause: fault.cause ?? fault,
    });
  }
}

/** Words a fault that nothing is tried about; other errors pass, an abort with the path. */
export function asError(error: unknown, { action, path }: Task): unknown {
  if (error instanceof Fault) {
    const { code, server, message } = error;
    return new ShardfeedError(code, `cannot ${action} ${path}: ${server}: ${message}`, { path, cause: error });
  }
  if (isShardfeedError(error, 'SHARDFEED_ABORTED') && error.path === undefined) {
    return new ShardfeedError('SHARDFEED_ABORTED', error.message, { path, cause: error.cause });
  }
  return error;
}

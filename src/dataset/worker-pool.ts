import { Worker } from 'node:worker_threads';
import { type ErrorCode, isShardfeedError, ShardfeedError } from '../errors.js';

/** What a worker answers: the result of a task, or the error that it threw. */
export type Answer<R> = { id: number; result: R } | { id: number; error: SerializedError };

export interface SerializedError {
  code?: ErrorCode;
  message: string;
  stack?: string;
}

/** The work lies outside of the heap: with the default of 48 MB a worker would keep that much garbage. */
const YOUNG_MB = 4;

/** Tasks that a worker holds: the one that it does, and one for the time until it hears of more. */
const AHEAD = 2;

interface Waiting<R> {
  resolve(result: R): void;
  reject(error: unknown): void;
}
interface Queued<T, R> extends Waiting<R> {
  readonly task: T;
  readonly transfer: readonly ArrayBuffer[];
}

/**
 * Worker threads that all run the same module with the same `workerData`; a task goes to the one with the least to do. What
 * they have no time for, this thread does when nothing else waits for it, if it can: on two cores one worker is then
 * enough, and until the workers have started nobody waits for them.
 */
export class WorkerPool<T extends object, R> {
  readonly #workers: { worker: Worker; load: number }[];
  readonly #waiting = new Map<number, Waiting<R> & { worker: number }>();
  readonly #queue: Queued<T, R>[] = [];
  readonly #here: ((task: T) => R) | undefined;
  #helping = false;
  /** I/O that the caller awaits. */
  #awaited = 0;
  #next = 0;
  #dead: unknown;

  /** @param here does a task in this thread, which otherwise does none */
  constructor(module: URL, threads: number, workerData: unknown, here?: (task: T) => R) {
    this.#here = here;
    this.#workers = Array.from({ length: threads }, (_, index) => {
      const worker = new Worker(module, {
        workerData,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
        execArgv: process.execArgv.filter((flag) => !flag.startsWith('--input-type')), // of `node -e`; refused with a file
      });
      worker.on('message', (answer: Answer<R> | 'ready') => this.#hear(index, answer));
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (code) => {
        if (code !== 0)
          this.#fail(new ShardfeedError('SHARDFEED_IO', `worker thread ${index} ended with code ${code}`));
      });
      return { worker, load: AHEAD }; // until it is ready
    });
  }

  /** @param transfer buffers that the task gives up to a worker; for a pool that does nothing here */
  run(task: T, transfer: readonly ArrayBuffer[] = []): Promise<R> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, transfer, resolve, reject });
      this.#distribute();
    });
  }

  /** Runs a task once on every worker, behind what each has to do, and here. */
  async runOnAll(task: T): Promise<R[]> {
    const there = this.#workers.map(
      (_, index) => new Promise<R>((resolve, reject) => this.#post(index, { task, transfer: [], resolve, reject })),
    );
    return [...(this.#here === undefined ? [] : [this.#here(task)]), ...(await Promise.all(there))];
  }

  /** Awaits I/O, which keeps a core busy itself: meanwhile this thread begins no task, so as to go on when it is done. */
  async aside<A>(io: Promise<A>): Promise<A> {
    this.#awaited++;
    try {
      return await io;
    } finally {
      this.#awaited--;
      this.#distribute();
    }
  }

  async close(): Promise<void> {
    this.#dead ??= new ShardfeedError('SHARDFEED_ABORTED', 'the worker threads were stopped');
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
    this.#fail(this.#dead);
  }

  #distribute(): void {
    while (this.#queue.length > 0) {
      let index = 0;
      for (let i = 1; i < this.#workers.length; i++) if (this.#workers[i]!.load < this.#workers[index]!.load) index = i;
      if (this.#workers[index]!.load >= AHEAD) break;
      this.#post(index, this.#queue.shift()!);
    }
    if (this.#here === undefined || this.#queue.length === 0 || this.#helping || this.#awaited > 0) return;
    this.#helping = true;
    setImmediate(() => this.#help()); // behind all that has arrived meanwhile
  }

  #help(): void {
    this.#helping = false;
    if (this.#awaited > 0) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    try {
      next.resolve(this.#here!(next.task));
    } catch (error) {
      next.reject(error);
    }
    this.#distribute();
  }

  #post(index: number, { task, transfer, resolve, reject }: Queued<T, R>): void {
    const id = this.#next++;
    const chosen = this.#workers[index]!;
    try {
      chosen.worker.postMessage({ id, task }, transfer);
    } catch (error) {
      reject(error); // what cannot be cloned
      return;
    }
    chosen.load++;
    this.#waiting.set(id, { resolve, reject, worker: index });
  }

  #hear(index: number, answer: Answer<R> | 'ready'): void {
    if (answer === 'ready') this.#workers[index]!.load -= AHEAD;
    else this.#settle(answer);
    this.#distribute();
  }

  #settle(answer: Answer<R>): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    this.#workers[waiting.worker]!.load--;
    if ('result' in answer) waiting.resolve(answer.result);
    else waiting.reject(deserializeError(answer.error));
  }

  #fail(error: unknown): void {
    this.#dead ??= error;
    for (const { reject } of [...this.#waiting.values(), ...this.#queue.splice(0)]) reject(this.#dead);
    this.#waiting.clear();
  }
}

/** An error as it passes from a worker to {@link WorkerPool}. */
export function serializeError(thrown: unknown): SerializedError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const where = isShardfeedError(error) ? error.toJSON() : {};
  return { ...where, message: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
}

/** The error that {@link serializeError} was given. */
export function deserializeError({ code, message, stack, ...details }: SerializedError): Error {
  const error = code === undefined ? new Error(message) : new ShardfeedError(code, message, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}

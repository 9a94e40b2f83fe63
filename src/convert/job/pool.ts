import { Worker } from 'node:worker_threads';
import { type ErrorCode, ShardfeedError } from '../../errors.js';

/** What a worker answers: the result of a task, or the error that it threw. */
export type Answer<R> = { id: number; result: R } | { id: number; error: SerializedError };

export interface SerializedError {
  code?: ErrorCode;
  message: string;
  stack?: string;
}

/** The work lies outside of the heap: with the default of 48 MB a worker would keep that much garbage. */
const YOUNG_MB = 4;

interface Waiting<R> {
  resolve(result: R): void;
  reject(error: unknown): void;
}

/** Worker threads that all run the same module with the same `workerData`; a task goes to the one with the least to do. */
export class WorkerPool<T extends object, R> {
  readonly #workers: { worker: Worker; load: number }[];
  readonly #waiting = new Map<number, Waiting<R> & { worker: number }>();
  #next = 0;
  #dead: unknown;

  constructor(module: URL, threads: number, workerData: unknown) {
    this.#workers = Array.from({ length: threads }, (_, index) => {
      const worker = new Worker(module, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
      worker.on('message', (answer: Answer<R>) => this.#settle(answer));
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (code) => {
        if (code !== 0)
          this.#fail(new ShardfeedError('SHARDFEED_IO', `worker thread ${index} ended with code ${code}`));
      });
      return { worker, load: 0 };
    });
  }

  run(task: T, transfer: ArrayBuffer[]): Promise<R> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    let index = 0;
    for (let i = 1; i < this.#workers.length; i++) if (this.#workers[i]!.load < this.#workers[index]!.load) index = i;
    return this.#post(index, task, transfer);
  }

  /** Runs a task once on every worker, behind what each has to do. */
  runOnAll(task: T): Promise<R[]> {
    return Promise.all(this.#workers.map((_, index) => this.#post(index, task, [])));
  }

  async close(): Promise<void> {
    this.#dead ??= new ShardfeedError('SHARDFEED_ABORTED', 'the worker threads were stopped');
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
    this.#fail(this.#dead);
  }

  #post(index: number, task: T, transfer: ArrayBuffer[]): Promise<R> {
    const id = this.#next++;
    const chosen = this.#workers[index]!;
    chosen.load++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, worker: index });
      chosen.worker.postMessage({ id, task }, transfer);
    });
  }

  #settle(answer: Answer<R>): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    this.#workers[waiting.worker]!.load--;
    if ('result' in answer) waiting.resolve(answer.result);
    else waiting.reject(deserialize(answer.error));
  }

  #fail(error: unknown): void {
    this.#dead ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#dead);
    this.#waiting.clear();
  }
}

function deserialize({ code, message, stack, ...details }: SerializedError): Error {
  const error = code === undefined ? new Error(message) : new ShardfeedError(code, message, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}

import { Worker } from 'node:worker_threads';
import { ShardfeedError } from '../../errors.js';
import type { LaneReading } from './lane.js';
import type { FromStageWorker, StageWorkerData, ToStageWorker } from './stage-worker.js';

/** How long a thread may take to clean up. */
const STOP_MS = 2000;

/** For whom a thread reads. */
export interface ThreadUser {
  hear(message: Exclude<FromStageWorker, { closed: true }>): void;
  fail(error: ShardfeedError): void;
}

/** A thread that executes stages, for one read at a time. It keeps the process from ending only while `ref` says so. */
export class ReadingThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #user: ThreadUser | undefined;
  #dead = false;
  #ending = false;
  #freed = (): void => {};

  constructor(data: StageWorkerData) {
    this.#worker = new Worker(new URL('./stage-worker.js', import.meta.url), {
      workerData: data,
      // How the program of this process is given is nothing that a thread could be started with.
      execArgv: process.execArgv.filter((flag) => !flag.startsWith('--input-type')),
    });
    this.#worker.unref();
    this.#worker.on('message', (message: FromStageWorker) => {
      if (!('closed' in message)) this.#user?.hear(message);
      else {
        this.#user = undefined;
        this.#freed();
      }
    });
    this.#worker.on('error', (cause) => {
      const what = `a reading thread failed: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#user?.fail(new ShardfeedError('SHARDFEED_IO', what, { cause }));
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#dead = true;
        const what = `a reading thread ended with code ${code}: read on from the last position, with another one`;
        if (!this.#ending) this.#user?.fail(new ShardfeedError('SHARDFEED_IO', what));
        resolve();
      });
    });
  }

  /** Whether it has ended. */
  get dead(): boolean {
    return this.#dead;
  }

  read(options: LaneReading, user: ThreadUser): void {
    this.#user = user;
    this.post({ read: options });
  }

  post(message: ToStageWorker): void {
    this.#worker.postMessage(message);
  }

  ref(): void {
    this.#worker.ref();
  }
  unref(): void {
    this.#worker.unref();
  }

  /** Ends what it reads; then it can read something else, unless it is dead. */
  async free(): Promise<void> {
    if (this.#user === undefined) return;
    const freed = new Promise<void>((resolve) => {
      this.#freed = resolve;
    });
    this.post({ stop: true });
    await this.#inTime(freed);
  }

  /** Ends it, and what it reads. */
  async end(): Promise<void> {
    this.#ending = true;
    this.post({ end: true });
    await this.#inTime(this.#exited);
  }

  /** Waits for what a message brings about, and for a thread's end where that takes too long. */
  async #inTime(done: Promise<void>): Promise<void> {
    if (this.#dead) return;
    this.ref();
    const late = setTimeout(() => void this.#worker.terminate(), STOP_MS);
    await Promise.race([done, this.#exited]);
    clearTimeout(late);
    this.unref();
  }
}

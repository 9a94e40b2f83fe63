import { Worker } from 'node:worker_threads';
import { ShardfeedError, throwIfAborted } from '../../errors.js';
import type { Scope } from '../../files/index.js';
import { kernelModule } from '../../records/kernel/kernel.js';
import type { CatalogPart } from '../catalog.js';
import type { ReadCounters } from '../read-counters.js';
import { deserializeError } from '../worker-pool.js';
import type { StageBatch } from './run-stages.js';
import type { StagePlan } from './stage-plan.js';
import type { StageReading } from './stage-tools.js';
import type { FromStageWorker, StageWorkerData, ToStageWorker } from './stage-worker.js';

/** How long a thread may take to clean up. */
const STOP_MS = 2000;

export interface ThreadsOptions {
  readonly parts: readonly CatalogPart[];
  readonly reading: StageReading;
  readonly threads: number;
  readonly counters: ReadCounters;
  readonly scope: Scope;
}

/**
 * Runs stages in threads: thread k those numbered k, k + n and so on, each ahead of its turn within its part of
 * `prefetchBytes`. Batches come in the order of the stages.
 */
export async function* runInThreads(
  plans: AsyncIterator<StagePlan>,
  options: ThreadsOptions,
): AsyncGenerator<StageBatch> {
  const { scope, counters } = options;
  const team = new Team(plans, options);
  const onAbort = (): void => team.fail(new ShardfeedError('SHARDFEED_ABORTED', 'aborted'));
  scope.signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let number = 0; ; number++) {
      const steps = await team.stepsOf(number);
      if (steps === undefined) return;
      for (let step = 0; step < steps; step++) {
        throwIfAborted(scope.signal);
        const { item, counters: more } = await team.take(number);
        for (const key of Object.keys(counters) as (keyof ReadCounters)[]) counters[key] += more[key];
        yield item;
      }
    }
  } finally {
    scope.signal.removeEventListener('abort', onAbort);
    scope.end();
    await team.close();
    await plans.return?.();
  }
}

/** Threads, and who of them does what. */
class Team {
  readonly #plans: AsyncIterator<StagePlan>;
  readonly #members: Member[];
  /** Steps of each stage that was dealt. */
  readonly #steps: number[] = [];
  #ended = false;
  #planFailure: { readonly error: unknown } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #dealing: Promise<void> | undefined;
  #wake = (): void => {};

  constructor(plans: AsyncIterator<StagePlan>, { parts, reading, threads }: ThreadsOptions) {
    this.#plans = plans;
    const share = reading.prefetchBytes / 2 / threads;
    const data: StageWorkerData = {
      kernel: kernelModule(),
      parts: parts.map(({ fs: { scheme, authority }, listed: _, ...part }) => ({ ...part, scheme, authority })),
      reading: { ...reading, borrow: false, prefetchBytes: share },
      aheadBytes: share,
    };
    const events = { news: () => this.#news(), fail: (error: unknown) => this.fail(error) };
    this.#members = Array.from({ length: threads }, () => new Member(data, events));
  }

  /** How many steps a stage has; undefined behind the last. */
  async stepsOf(number: number): Promise<number | undefined> {
    await this.#until(() => this.#steps.length > number || this.#ended);
    const steps = this.#steps[number];
    if (steps === undefined && this.#planFailure !== undefined) throw this.#planFailure.error;
    return steps;
  }

  /** The next batch of a stage. */
  async take(number: number): Promise<Made> {
    const member = this.#memberOf(number);
    await this.#until(() => member.ready);
    return member.take();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async close(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#members.map((member) => member.stop()));
    await this.#dealing;
  }

  #memberOf(number: number): Member {
    return this.#members[number % this.#members.length]!;
  }

  /** Waits for something that threads bring about. Only meanwhile they keep the process from ending. */
  async #until(ready: () => boolean): Promise<void> {
    if (ready()) return;
    for (const member of this.#members) member.worker.ref();
    while (!ready()) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    for (const member of this.#members) member.worker.unref();
  }

  #news(): void {
    this.#deal();
    this.#wake();
  }

  /** Makes plans for as long as a thread wants one, and gives them to the threads in turn. */
  #deal(): void {
    if (this.#ended || this.#dealing !== undefined || !this.#members.some((member) => member.hungry)) return;
    this.#dealing = this.#plans
      .next()
      .then(
        ({ done, value }) => {
          if (done === true) this.#ended = true;
          else this.#memberOf(this.#steps.push(value.stage.steps) - 1).give(value);
        },
        (error: unknown) => {
          this.#ended = true;
          this.#planFailure = { error };
        },
      )
      .then(() => {
        this.#dealing = undefined;
        if (this.#ended) for (const member of this.#members) member.give(undefined);
        this.#news();
      });
  }
}

interface Made {
  readonly item: StageBatch;
  readonly bytes: number;
  readonly counters: ReadCounters;
}

/** A thread, the plans that wait for it, and what it made. */
class Member {
  readonly worker: Worker;
  readonly #plans: (StagePlan | undefined)[] = [];
  readonly #made: (Made | { readonly error: unknown })[] = [];
  readonly #exited: Promise<void>;
  #asked = 0;

  constructor(data: StageWorkerData, { news, fail }: { news(): void; fail(error: unknown): void }) {
    this.worker = new Worker(new URL('./stage-worker.js', import.meta.url), {
      workerData: data,
      // How the program of this process is given is nothing that a thread could be started with.
      execArgv: process.execArgv.filter((flag) => !flag.startsWith('--input-type')),
    });
    this.worker.on('message', (message: FromStageWorker) => {
      this.#hear(message);
      news();
    });
    this.worker.on('error', fail);
    this.#exited = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        if (code !== 0) fail(new ShardfeedError('SHARDFEED_IO', `a reading thread ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Whether it wants a plan, and none waits for it. */
  get hungry(): boolean {
    return this.#asked > 0;
  }
  /** Whether a batch is there, or the error that came in place of one. */
  get ready(): boolean {
    return this.#made.length > 0;
  }

  give(plan: StagePlan | undefined): void {
    this.#plans.push(plan);
    this.#serve();
  }

  take(): Made {
    const made = this.#made.shift()!;
    if ('error' in made) throw made.error;
    this.#post({ taken: made.bytes });
    return made;
  }

  async stop(): Promise<void> {
    this.worker.ref();
    this.#post({ stop: true });
    const late = setTimeout(() => void this.worker.terminate(), STOP_MS);
    await this.#exited;
    clearTimeout(late);
  }

  #hear(message: FromStageWorker): void {
    if ('ask' in message) {
      this.#asked++;
      this.#serve();
    } else if ('error' in message) this.#made.push({ error: deserializeError(message.error) });
    else this.#made.push(message);
  }

  #serve(): void {
    while (this.#asked > 0 && this.#plans.length > 0) {
      this.#asked--;
      this.#post({ plan: this.#plans.shift() });
    }
  }

  #post(message: ToStageWorker): void {
    this.worker.postMessage(message);
  }
}

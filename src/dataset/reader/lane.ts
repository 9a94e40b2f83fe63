import type { ReadCounters } from '../read-counters.js';
import type { StageBatch } from './run-stages.js';
import type { StagePlan } from './stage-plan.js';
import type { StageReading } from './stage-tools.js';

/** How a lane reads: plain data, which can be sent to a thread. */
export interface LaneReading {
  readonly reading: StageReading;
  /** Bytes of batches that may wait to be taken; one always may. */
  readonly aheadBytes: number;
}

/** A batch, and what making it and those that were made before took. */
export interface Made {
  readonly item: StageBatch;
  readonly bytes: number;
  readonly counters: ReadCounters;
}

/** Who makes the batches of the stages that it is given, one stage after the other. */
export interface Lane {
  /** Whether a batch is there, or the error that came in place of one. */
  readonly ready: boolean;
  /** What it has asked for; undefined behind the last plan. */
  give(plan: StagePlan | undefined): void;
  /** The next batch, which is there. @throws the error that came in its place */
  take(): Made;
  /** Ends what it does and releases all of it. */
  close(): Promise<void>;
}

/** Whom a lane tells. */
export interface LaneEvents {
  /** It wants a plan. */
  ask(lane: Lane): void;
  /** A batch is there, or there is room for one. */
  news(): void;
  /** It can make nothing any more. */
  fail(error: unknown): void;
}

/** Batches that wait to be taken. */
export class MadeQueue {
  readonly #made: (Made | { readonly error: unknown })[] = [];

  get ready(): boolean {
    return this.#made.length > 0;
  }

  push(made: Made | { readonly error: unknown }): void {
    this.#made.push(made);
  }

  take(): Made {
    const made = this.#made.shift()!;
    if ('error' in made) throw made.error;
    return made;
  }
}

/** Plans that are asked for one by one. */
export class AskedPlans implements AsyncIterator<StagePlan> {
  readonly #ask: () => void;
  readonly #asked: ((plan: StagePlan | undefined) => void)[] = [];
  #ended = false;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  async next(): Promise<IteratorResult<StagePlan, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    const plan = await new Promise<StagePlan | undefined>((resolve) => {
      this.#asked.push(resolve);
      this.#ask();
    });
    return plan === undefined ? { done: true, value: undefined } : { done: false, value: plan };
  }

  give(plan: StagePlan | undefined): void {
    this.#asked.shift()?.(plan);
  }

  /** Nobody is asked any more, and who waits gets none. */
  end(): void {
    this.#ended = true;
    for (const resolve of this.#asked.splice(0)) resolve(undefined);
  }
}

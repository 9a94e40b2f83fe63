import { availableParallelism } from 'node:os';
import { ShardfeedError, throwIfAborted } from '../../errors.js';
import type { Scope } from '../../files/index.js';
import type { CatalogPart } from '../catalog.js';
import { addCounters, type ReadCounters } from '../read-counters.js';
import type { Lane, LaneEvents, LaneReading, Made } from './lane.js';
import { OwnLane } from './own-lane.js';
import type { ReadingThreads } from './reading-threads.js';
import type { StageBatch } from './run-stages.js';
import type { PlanPlaces, StagePlan } from './stage-plan.js';
import type { StageReading } from './stage-tools.js';
import { ThreadLane } from './thread-lane.js';

export interface ThreadsOptions {
  readonly parts: readonly CatalogPart[];
  readonly places: PlanPlaces;
  readonly reading: StageReading;
  readonly pool: ReadingThreads;
  readonly threads: number;
  readonly counters: ReadCounters;
  readonly scope: Scope;
}

/**
 * Runs stages in threads, and in this one where it would only wait: who has nothing to do takes the next stage, ahead of its turn
 * within its part of `prefetchBytes`. Batches come in the order of the stages.
 */
export async function* runInThreads(
  plans: AsyncIterator<StagePlan>,
  options: ThreadsOptions,
): AsyncGenerator<StageBatch> {
  const { scope, counters } = options;
  throwIfAborted(scope.signal);
  const team = new Team(plans, options);
  const onAbort = (): void => team.fail(new ShardfeedError('SHARDFEED_ABORTED', 'aborted'));
  scope.signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let stage = await team.next(); stage !== undefined; stage = await team.next()) {
      for (let step = 0; step < stage.steps; step++) {
        throwIfAborted(scope.signal);
        const { item, counters: more } = await team.take(stage.lane);
        addCounters(counters, more);
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

/** A stage, and who makes its batches. */
interface Dealt {
  readonly steps: number;
  readonly lane: Lane;
}

/** Who makes batches, and of which stages. */
class Team {
  readonly #plans: AsyncIterator<StagePlan>;
  readonly #threads: readonly ThreadLane[];
  readonly #own: OwnLane;
  /** There are cores for all threads and for this one. */
  readonly #hasCore: boolean;
  /** Stages that are dealt and not yet asked for, and lanes that want one, each in order. */
  readonly #dealt: Dealt[] = [];
  readonly #hungry: Lane[] = [];
  #waiting = false;
  #ended = false;
  #planFailure: { readonly error: unknown } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #dealing: Promise<void> | undefined;
  #wake = (): void => {};

  constructor(
    plans: AsyncIterator<StagePlan>,
    { parts, places, reading, pool, threads, scope: { signal } }: ThreadsOptions,
  ) {
    this.#plans = plans;
    const share = reading.prefetchBytes / 2 / (threads + 1);
    const lane: LaneReading = { reading: { ...reading, borrow: false, prefetchBytes: share }, aheadBytes: share };
    const events: LaneEvents = {
      ask: (asking) => {
        this.#hungry.push(asking);
        this.#deal();
        this.#wake();
      },
      news: () => this.#wake(),
      fail: (error) => this.fail(error),
    };
    this.#hasCore = threads < availableParallelism();
    this.#own = new OwnLane(parts, places, lane, { signal, events });
    this.#threads = pool.take(threads).map((thread) => new ThreadLane(pool, thread, lane, events));
  }

  /** The next stage; undefined behind the last. */
  async next(): Promise<Dealt | undefined> {
    await this.#until(() => this.#dealt.length > 0 || this.#ended);
    const dealt = this.#dealt.shift();
    if (dealt === undefined && this.#planFailure !== undefined) throw this.#planFailure.error;
    return dealt;
  }

  /** The next batch of a lane. */
  async take(lane: Lane): Promise<Made> {
    await this.#until(() => lane.ready, lane);
    return lane.take();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async close(): Promise<void> {
    this.#ended = true;
    await Promise.all([this.#own, ...this.#threads].map((lane) => lane.close()));
    await this.#dealing;
  }

  /** Waits for something that lanes bring about, and helps meanwhile. Only then threads keep the process from ending. */
  async #until(ready: () => boolean, lane?: Lane): Promise<void> {
    if (ready()) return;
    this.#waiting = true;
    for (const { thread } of this.#threads) thread.ref();
    while (!ready()) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (lane === this.#own || this.#hasCore || this.#threads.some(({ started }) => !started)) {
        this.#own.help(() => this.#waiting);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    for (const { thread } of this.#threads) thread.unref();
    this.#waiting = false;
  }

  /** Makes plans for as long as a lane wants one, and gives each to the one that has waited longest. */
  #deal(): void {
    if (this.#ended) for (const lane of this.#hungry.splice(0)) lane.give(undefined);
    if (this.#dealing !== undefined || this.#hungry.length === 0) return;
    this.#dealing = this.#plans
      .next()
      .then(
        ({ done, value }) => {
          if (done === true || this.#ended) this.#ended = true;
          else {
            const lane = this.#hungry.shift()!;
            this.#dealt.push({ steps: value.stage.steps, lane });
            lane.give(value);
          }
        },
        (error: unknown) => {
          this.#ended = true;
          this.#planFailure = { error };
        },
      )
      .then(() => {
        this.#dealing = undefined;
        this.#deal();
        this.#wake();
      });
  }
}

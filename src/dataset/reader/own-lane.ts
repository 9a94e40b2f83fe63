import { setImmediate } from 'node:timers/promises';
import { Scope } from '../../files/index.js';
import type { CatalogPart } from '../catalog.js';
import { batchBytes } from '../pipeline/batch-buffers.js';
import { takeCounters, zeroCounters } from '../read-counters.js';
import { AskedPlans, type Lane, type LaneEvents, type LaneReading, type Made, MadeQueue } from './lane.js';
import { runStages, type StageBatch } from './run-stages.js';
import type { PlanPlaces, StagePlan } from './stage-plan.js';
import { stageTools } from './stage-tools.js';

/** The thread that asks for batches, making some itself while it would only wait: a step at a time, when it is told to. */
export class OwnLane implements Lane {
  readonly #plans: AskedPlans;
  readonly #events: LaneEvents;
  readonly #aheadBytes: number;
  readonly #open: () => AsyncGenerator<StageBatch>;
  readonly #scope: Scope;
  readonly #counters = zeroCounters();
  readonly #made = new MadeQueue();
  #batches: AsyncGenerator<StageBatch> | undefined;
  #bytes = 0;
  #step: Promise<void> | undefined;
  #ended = false;

  constructor(
    parts: readonly CatalogPart[],
    places: PlanPlaces,
    { reading, aheadBytes }: LaneReading,
    { signal, events }: { signal: AbortSignal; events: LaneEvents },
  ) {
    this.#events = events;
    this.#aheadBytes = aheadBytes;
    this.#plans = new AskedPlans(() => events.ask(this));
    this.#scope = new Scope(signal);
    const tools = { ...reading, counters: this.#counters, scope: this.#scope, plansAhead: 0 };
    this.#open = () => runStages(this.#plans, stageTools(parts, places, tools));
  }

  get ready(): boolean {
    return this.#made.ready;
  }

  /** Begins to make a batch if none is being made, behind all that has arrived meanwhile and if it is still wanted then. */
  help(wanted: () => boolean): void {
    if (this.#step !== undefined || this.#ended || (this.#bytes >= this.#aheadBytes && this.#bytes > 0)) return;
    this.#step = this.#make(wanted).finally(() => {
      this.#step = undefined;
      this.#events.news();
    });
  }

  give(plan: StagePlan | undefined): void {
    this.#plans.give(plan);
  }

  take(): Made {
    const made = this.#made.take();
    this.#bytes -= made.bytes;
    return made;
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.#scope.end();
    this.#plans.end();
    await this.#step;
    await this.#batches?.return(undefined);
  }

  async #make(wanted: () => boolean): Promise<void> {
    await setImmediate();
    if (this.#ended || !wanted()) return;
    this.#batches ??= this.#open();
    try {
      const { done, value } = await this.#batches.next();
      if (done === true) this.#ended = true;
      else {
        const bytes = batchBytes(value.batch);
        this.#bytes += bytes;
        this.#made.push({ item: value, bytes, counters: takeCounters(this.#counters) });
      }
    } catch (error) {
      this.#ended = true;
      this.#made.push({ error });
    }
  }
}

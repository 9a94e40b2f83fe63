import { throwIfAborted } from '../../errors.js';
import type { Scope } from '../../files/index.js';
import type { Batch } from '../../records/index.js';
import { mapLimited } from '../map-limited.js';
import type { ReadCounters } from '../read-counters.js';
import { LoadedStage } from './loaded-stage.js';
import type { SlabHeap } from './slab-heap.js';
import type { LostRecord, StageDecoder } from './stage-decoder.js';
import type { StageLoader } from './stage-loader.js';
import type { StagePlan } from './stage-plan.js';

/** A batch of a rank, with what was lost of it. */
export interface StageBatch {
  readonly batch: Batch;
  /** Of the epoch. */
  readonly step: number;
  readonly losses: readonly LostRecord[];
}

/** What stages are run with. */
export interface StageTools {
  readonly loader: StageLoader;
  readonly decoder: StageDecoder;
  readonly heap: SlabHeap;
  /** Most bytes that are held or on their way beyond the stage in use. */
  readonly prefetchBytes: number;
  readonly counters: ReadCounters;
  /** Of the read; ended with it. */
  readonly scope: Scope;
}

/** Ranges that are on their way at a time; of small ones, each of which is mostly waiting for a server, more. */
const RANGES = 8;
const SMALL_RANGES = 32;
const SMALL_BYTES = 64 << 10;
/** Direct reads that are begun at once, at most: each may be a file that is opened. */
const DIRECT_READS = 64;
/** Local bytes that are asked for between two batches, at least. */
const LEAST_AT_ONCE = 256 << 10;
/** Plans made ahead, at most. */
const PLANS = 16;

/** Runs stages one behind the other: reads those ahead while one is used, and gives their batches. */
export async function* runStages(plans: AsyncIterator<StagePlan>, tools: StageTools): AsyncGenerator<StageBatch> {
  const { decoder, counters } = tools;
  const runner = new StageRunner(plans, tools);
  try {
    for (let stage = await runner.next(); stage !== undefined; stage = await runner.next()) {
      const { firstStep, steps } = stage.plan.stage;
      for (let step = 0; step < steps; step++) {
        throwIfAborted(tools.scope.signal);
        await runner.load(stage, step);
        const start = performance.now();
        const { batch, records, losses } = decoder.decode(stage, step);
        counters.decodeMs += performance.now() - start;
        counters.records += records;
        runner.readAhead(steps - step);
        yield { batch, step: firstStep + step, losses };
      }
    }
  } finally {
    await runner.close();
  }
}

class StageRunner {
  readonly #plans: AsyncIterator<StagePlan>;
  readonly #tools: StageTools;
  #current: LoadedStage | undefined;
  readonly #ahead: LoadedStage[] = [];
  /** The plan that is being made. */
  #planning: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #closed = false;
  /** Reads on their way: straight into the kernel's memory, and others. */
  readonly #direct = new Set<Promise<void>>();
  readonly #streams = new Set<Promise<void>>();

  constructor(plans: AsyncIterator<StagePlan>, tools: StageTools) {
    this.#plans = plans;
    this.#tools = tools;
  }

  /** The next stage; {@link load} loads it. */
  async next(): Promise<LoadedStage | undefined> {
    this.#current?.free();
    this.#current = undefined;
    while (this.#ahead.length === 0 && !this.#ended) await this.#plan();
    const stage = this.#ahead.shift();
    this.#current = stage;
    if (stage === undefined) {
      if (this.#failure !== undefined) throw this.#failure.error;
      return undefined;
    }
    return stage;
  }

  /** Waits until all that a step of the stage in use needs is there, and nothing is read straight into the kernel's memory, which may grow. */
  async load(stage: LoadedStage, step: number): Promise<void> {
    const wanted = stage.plan.wanted[step]!;
    await this.#rest();
    const missing: number[] = [];
    while (stage.begun < wanted) missing.push(stage.makeSlab());
    await this.#wait(mapLimited(missing, (i) => this.#begin(stage, i), { limit: rangesOf(stage) }));
    await this.#wait(Promise.all(stage.loads.slice(0, wanted)));
  }

  async #wait(reads: Promise<unknown>): Promise<void> {
    const start = performance.now();
    await reads;
    this.#tools.counters.waitMs += performance.now() - start;
  }

  async #rest(): Promise<void> {
    while (this.#direct.size > 0) await this.#wait(Promise.allSettled(this.#direct));
  }

  /** Begins to read what comes next; of local files a share each time, so that all of it is there when it is wanted, in `steps` steps. */
  readAhead(steps: number): void {
    const missing = (this.#current?.pendingBytes ?? 0) + (this.#ahead[0]?.pendingBytes ?? 0);
    this.#more(Math.max(LEAST_AT_ONCE, missing / steps));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tools.scope.end();
    await this.#planning;
    await Promise.allSettled([this.#current, ...this.#ahead].flatMap((stage) => stage?.loads ?? []));
    await this.#tools.loader.files.close();
    await this.#plans.return?.();
  }

  /** Begins as many reads as memory allows: up to `direct` bytes straight into the kernel's memory. */
  #more(direct: number): void {
    const planned = this.#ahead.reduce((sum, { bytes }) => sum + bytes, 0);
    // Plans may ask for indexes, which are not to be in the way of what is wanted first.
    const busy = (this.#current ?? this.#ahead[0])?.pending !== undefined;
    if (!busy && planned < this.#tools.prefetchBytes && this.#ahead.length < PLANS && !this.#ended) void this.#plan();
    // All slabs first: reads straight into the memory keep it from growing.
    const begun: [stage: LoadedStage, i: number][] = [];
    for (const stage of this.#readable(direct)) begun.push([stage, stage.makeSlab()]);
    for (const [stage, i] of begun) void this.#begin(stage, i);
  }

  /** The stages whose next extent may be begun, each as often as it has such; the caller begins it. */
  *#readable(direct: number): Generator<LoadedStage> {
    const { prefetchBytes, loader } = this.#tools;
    let held = this.#ahead.reduce((sum, { begunBytes }) => sum + begunBytes, 0);
    let left = direct;
    let directs = 0;
    let streams = this.#streams.size;
    for (const stage of [this.#current, ...this.#ahead]) {
      if (stage === undefined) continue;
      const ranges = rangesOf(stage);
      const own = stage === this.#current;
      for (let extent = stage.pending; extent !== undefined; extent = stage.pending) {
        const bytes = extent.end - extent.start;
        const isDirect = loader.isDirect(extent);
        const far = isDirect && !own && stage !== this.#ahead[0];
        const full = isDirect ? left <= 0 || directs === DIRECT_READS : streams >= ranges;
        if (far || full || (!own && held + bytes > prefetchBytes)) return;
        if (isDirect) {
          left -= bytes;
          directs++;
        } else streams++;
        if (!own) held += bytes;
        yield stage;
      }
    }
  }

  /** Begins a read. What it ends in, the stage's `loads` say. */
  #begin(stage: LoadedStage, i: number): Promise<void> {
    const { loader } = this.#tools;
    const load = loader.load(stage, i);
    stage.loads[i] = load;
    const direct = loader.isDirect(stage.plan.extents[i]!);
    const reads = direct ? this.#direct : this.#streams;
    const ended = load
      .catch(() => undefined)
      .then(() => {
        reads.delete(ended);
        this.#goOn();
      });
    reads.add(ended);
    return ended;
  }

  /** Streams go on by themselves, for as long as nothing is read straight into memory. */
  #goOn(): void {
    if (!this.#closed && this.#direct.size === 0) this.#more(0);
  }

  #plan(): Promise<void> {
    this.#planning ??= this.#plans
      .next()
      .then(
        ({ done, value }) => {
          if (done === true) this.#ended = true;
          else this.#ahead.push(new LoadedStage(value, this.#tools.heap));
        },
        (error: unknown) => {
          this.#ended = true;
          this.#failure = { error };
        },
      )
      .then(() => {
        this.#planning = undefined;
        this.#goOn();
      });
    return this.#planning;
  }
}

function rangesOf({ bytes, plan }: LoadedStage): number {
  return bytes < SMALL_BYTES * plan.extents.length ? SMALL_RANGES : RANGES;
}

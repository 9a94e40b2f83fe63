import { throwIfAborted } from '../../errors.js';
import type { Scope } from '../../files/index.js';
import type { Batch } from '../../records/index.js';
import { mapLimited } from '../map-limited.js';
import type { ReadCounters } from '../read-counters.js';
import type { JointReads } from './joint-reads.js';
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
  readonly joint: JointReads;
  readonly decoder: StageDecoder;
  readonly heap: SlabHeap;
  /** Most bytes that are held or on their way beyond the stage in use. */
  readonly prefetchBytes: number;
  /** Plans made ahead of the stage in use, at most. */
  readonly plansAhead: number;
  /** Batches are in the kernel's memory. */
  readonly borrow: boolean;
  readonly counters: ReadCounters;
  /** Of the read; ended with it. */
  readonly scope: Scope;
}

/** Ranges that are on their way at a time; of small ones, each of which is mostly waiting for a server, more. */
const RANGES = 8;
const SMALL_RANGES = 32;
const SMALL_BYTES = 64 << 10;
/** Of the bytes that are held ahead, how many of small ranges may be asked for in their turn. */
const NEAR_SHARE = 0.25;
/** Direct reads that are begun at once, at most: each may be a file that is opened. */
const DIRECT_READS = 64;
/** Reads straight into the kernel's memory that are on their way at a time between two batches. */
const DIRECT_LANES = 4;
/** Local bytes that are asked for between two batches, at least. */
const LEAST_AT_ONCE = 1 << 20;

/** Runs stages one behind the other: reads those ahead while one is used, and gives their batches. */
export async function* runStages(plans: AsyncIterator<StagePlan>, tools: StageTools): AsyncGenerator<StageBatch> {
  const { decoder, counters } = tools;
  const runner = new StageRunner(plans, tools);
  try {
    for (let stage = await runner.next(); stage !== undefined; stage = await runner.next()) {
      const { firstStep, steps } = stage.plan.stage;
      for (let step = 0; step < steps; step++) {
        throwIfAborted(tools.scope.signal);
        runner.takeBack();
        if (!runner.isLoaded(stage, step)) await runner.load(stage, step);
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
  /** The batch that was given is in the kernel's memory, which may not grow then. */
  #lent = false;

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

  /** Whether all that a step needs is there, and nothing is read straight into the kernel's memory. */
  isLoaded({ plan, waited }: LoadedStage, step: number): boolean {
    return waited >= plan.wanted[step]! && this.#direct.size === 0;
  }

  /** The batch that was given last is no longer in use: the kernel's memory may grow. */
  takeBack(): void {
    this.#lent = false;
  }

  /** Waits until all that a step of the stage in use needs is there, and nothing is read straight into the kernel's memory, which may grow. */
  async load(stage: LoadedStage, step: number): Promise<void> {
    const wanted = stage.plan.wanted[step]!;
    await this.#rest();
    if (stage.begun < wanted) {
      const missing = new Reads(LEAST_AT_ONCE);
      while (stage.begun < wanted) missing.add(stage, this.#tools.loader.isDirect(stage.pending!));
      await this.#wait(mapLimited(missing.all, (read) => this.#begin(read), { limit: rangesOf(stage) }));
    }
    if (stage.waited < wanted) await this.#wait(Promise.all(stage.loads.slice(stage.waited, wanted)));
    stage.waited = wanted;
    await this.#rest();
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
    this.#lent = this.#tools.borrow;
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
    const { prefetchBytes, plansAhead } = this.#tools;
    if (!busy && planned < prefetchBytes && this.#ahead.length < plansAhead && !this.#ended) void this.#plan();
    // All slabs first: reads straight into the memory keep it from growing.
    for (const read of this.#readable(direct)) void this.#begin(read);
  }

  /** What may be read, with its slabs. */
  #readable(direct: number): readonly Read[] {
    const { prefetchBytes, loader, joint } = this.#tools;
    const found = new Reads(direct / DIRECT_LANES);
    let held = this.#ahead.reduce((sum, { begunBytes }) => sum + begunBytes, 0);
    let left = direct;
    let directs = 0;
    let streams = this.#streams.size;
    for (let k = this.#current === undefined ? 0 : -1; k < this.#ahead.length; k++) {
      const own = k < 0;
      const stage = own ? this.#current! : this.#ahead[k]!;
      // Small ranges of far stages are left to be joined to nearer ones.
      const most = rangesOf(stage) === SMALL_RANGES ? prefetchBytes * NEAR_SHARE : prefetchBytes;
      for (let extent = stage.pending; extent !== undefined; extent = stage.pending) {
        const bytes = extent.end - extent.start;
        const isDirect = loader.isDirect(extent);
        const far = isDirect && k > 0;
        const full = isDirect ? left <= 0 || directs === DIRECT_READS : streams >= rangesOf(stage);
        if (far || full || (!own && held + bytes > Math.min(most, prefetchBytes - joint.bytes))) return found.all;
        if (isDirect) {
          left -= bytes;
          directs++;
        } else streams++;
        if (!own) held += bytes;
        found.add(stage, isDirect);
      }
    }
    return found.all;
  }

  /** Begins a read. What it ends in, the stage's `loads` say. */
  #begin({ stage, first, end, direct }: Read): Promise<void> {
    const load = this.#tools.loader.load(stage, first, end);
    stage.loads.fill(load, first, end);
    const reads = direct ? this.#direct : this.#streams;
    const done = (): void => {
      reads.delete(ended);
      this.#goOn();
    };
    const ended: Promise<void> = load.then(done, done);
    reads.add(ended);
    return ended;
  }

  /** Streams go on by themselves, for as long as nothing is read straight into memory. */
  #goOn(): void {
    if (this.#closed || this.#lent || this.#direct.size > 0) return;
    this.#more(0);
  }

  #plan(): Promise<void> {
    this.#planning ??= this.#plans
      .next()
      .then(
        ({ done, value }) => {
          if (done === true) this.#ended = true;
          else {
            this.#tools.loader.files.expect(value.extents);
            this.#ahead.push(new LoadedStage(value, this.#tools.heap));
          }
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

/** Extents [first, end) of a stage that are read one behind the other. */
interface Read {
  readonly stage: LoadedStage;
  readonly first: number;
  end: number;
  readonly direct: boolean;
  readonly part: number;
}

/** Groups extents to reads: small ones of one part that go straight into the kernel's memory are read one behind the other. */
class Reads {
  readonly all: Read[] = [];
  readonly #bytes: number;
  #left = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Adds the next extent of a stage and makes its slab: the kernel's memory may grow. */
  add(stage: LoadedStage, direct: boolean): void {
    const { part, start, end } = stage.pending!;
    const first = stage.makeSlab();
    const last = this.all.at(-1);
    if (direct && last?.stage === stage && last.part === part && this.#left > 0) last.end = first + 1;
    else {
      this.all.push({ stage, first, end: first + 1, direct, part });
      this.#left = this.#bytes;
    }
    this.#left -= end - start;
  }
}

function rangesOf({ bytes, plan }: LoadedStage): number {
  return bytes < SMALL_BYTES * plan.extents.length ? SMALL_RANGES : RANGES;
}

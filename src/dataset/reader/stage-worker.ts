import { parentPort, workerData } from 'node:worker_threads';
import { type FileSystem, localFileSystem, openFiles, Scope } from '../../files/index.js';
import { adoptKernelModule, type KernelModule } from '../../records/kernel/kernel.js';
import type { CatalogPart } from '../catalog.js';
import type { PartIndexes } from '../part-indexes.js';
import { batchBytes, movable } from '../pipeline/batch-buffers.js';
import { takeCounters, zeroCounters } from '../read-counters.js';
import { type SerializedError, serializeError } from '../worker-pool.js';
import { AskedPlans, type LaneReading, type Made } from './lane.js';
import { readsDirectly } from './open-part.js';
import { runStages } from './run-stages.js';
import type { StagePlan } from './stage-plan.js';
import { type StageReading, stageKernel, stageTools } from './stage-tools.js';
import type { UnpackedPart } from './unpacked-parts.js';

/** What a thread is told at its start. */
export interface StageWorkerData {
  readonly kernel: KernelModule;
  readonly parts: readonly (Omit<CatalogPart, 'fs' | 'listed'> & Pick<FileSystem, 'scheme' | 'authority'>)[];
}

/**
 * What to read; then a plan that was asked for, undefined behind the last; bytes of batches that were taken; the end of the read; the
 * end of the thread.
 */
export type ToStageWorker =
  | { read: LaneReading }
  | { plan: StagePlan | undefined }
  | { taken: number }
  | { stop: true }
  | { end: true };

/** Last of a read comes `closed`. */
export type FromStageWorker = { ask: true } | Made | { error: SerializedError } | { closed: true };

/** More of the kernel's memory is not kept for the next read. */
const KEPT_BYTES = 64 << 20;
/** Of parts that are read straight into memory only the next stage is read ahead. */
const DIRECT_PLANS = 1;

const { kernel: module, parts } = workerData as StageWorkerData;
adoptKernelModule(module);
const port = parentPort!;
const opened = openParts();
let kernel = stageKernel();
const unused = kernel.mark();
let reading: StageRead | undefined;
let ended = false;

port.on('message', (message: ToStageWorker) => {
  if ('read' in message) {
    reading = new StageRead(message.read);
    void reading.run();
  } else if ('plan' in message) reading?.give(message.plan);
  else if ('taken' in message) reading?.taken(message.taken);
  else {
    reading?.stop();
    ended ||= 'end' in message;
    if (ended && reading === undefined) port.close();
  }
});

/** A read, until it is stopped or there are no more plans. */
class StageRead {
  readonly #options: LaneReading;
  readonly #scope = new Scope(undefined);
  /** As the plans name them: they were unpacked for all threads. */
  readonly #unpacked = new Map<number, UnpackedPart>();
  readonly #plans = new AskedPlans(() => post({ ask: true }));
  #ahead = 0;
  #stopped = false;
  #wake = (): void => {};

  constructor(options: LaneReading) {
    this.#options = options;
  }

  give(plan: StagePlan | undefined): void {
    for (const [part, file] of plan?.unpacked ?? []) this.#unpacked.set(part, file);
    this.#plans.give(plan);
  }

  taken(bytes: number): void {
    this.#ahead -= bytes;
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#scope.end();
    this.#plans.end();
    this.#wake();
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      post({ error: serializeError(error) });
    }
    if (kernel.memory.buffer.byteLength > KEPT_BYTES) kernel = stageKernel();
    else kernel.release(unused);
    reading = undefined;
    post({ closed: true });
    if (ended) port.close();
  }

  async #run(): Promise<void> {
    const { reading, aheadBytes } = this.#options;
    const counters = zeroCounters();
    const places = {
      indexes: indexesFor(reading),
      unpacked: { get: async (part: number) => this.#unpacked.get(part)! },
    };
    const plansAhead = opened.every(readsDirectly) ? DIRECT_PLANS : undefined;
    const tools = stageTools(opened, places, { ...reading, counters, scope: this.#scope, kernel, plansAhead });
    for await (const item of runStages(this.#plans, tools)) {
      const { batch, transfer } = movable(item.batch);
      const bytes = batchBytes(batch);
      this.#ahead += bytes;
      post({ item: { ...item, batch }, bytes, counters: takeCounters(counters) }, transfer);
      while (this.#ahead >= aheadBytes && this.#ahead > 0 && !this.#stopped) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#stopped) return;
    }
  }
}

function openParts(): CatalogPart[] {
  const files = openFiles();
  const local = localFileSystem();
  const fsOf = (scheme: string, authority = ''): FileSystem =>
    scheme === 'file' ? local : files.resolve(`${scheme}://${authority}/`).fs;
  return parts.map(({ scheme, authority, ...part }) => ({ ...part, fs: fsOf(scheme, authority) }));
}

/** Plans say where records lie: indexes are wanted, and loaded, only for parts in members and for damage. */
function indexesFor({ strict, maxRecordBytes }: StageReading): Pick<PartIndexes, 'get'> {
  let indexes: Promise<PartIndexes> | undefined;
  const open = async (): Promise<PartIndexes> => {
    const { PartIndexes } = await import('../part-indexes.js');
    return new PartIndexes({ parts: opened }, { strict, maxRecordBytes });
  };
  return {
    async get(part, options) {
      indexes ??= open();
      return (await indexes).get(part, options);
    },
  };
}

function post(message: FromStageWorker, transfer?: ArrayBuffer[]): void {
  port.postMessage(message, transfer);
}

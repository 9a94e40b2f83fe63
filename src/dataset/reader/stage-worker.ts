import { parentPort, workerData } from 'node:worker_threads';
import { type FileSystem, localFileSystem, openFiles, Scope } from '../../files/index.js';
import { adoptKernelModule, type KernelModule } from '../../records/kernel/kernel.js';
import type { CatalogPart } from '../catalog.js';
import { PartIndexes } from '../part-indexes.js';
import { batchBytes, movable } from '../pipeline/batch-buffers.js';
import { type ReadCounters, zeroCounters } from '../read-counters.js';
import { type SerializedError, serializeError } from '../worker-pool.js';
import { runStages, type StageBatch } from './run-stages.js';
import type { StagePlan } from './stage-plan.js';
import { type StageReading, stageTools } from './stage-tools.js';
import type { UnpackedPart } from './unpacked-parts.js';

/** What a thread is told at its start. */
export interface StageWorkerData {
  readonly kernel: KernelModule;
  readonly parts: readonly (Omit<CatalogPart, 'fs' | 'listed'> & Pick<FileSystem, 'scheme' | 'authority'>)[];
  readonly reading: StageReading;
  /** Bytes of batches that may wait to be taken; one always may. */
  readonly aheadBytes: number;
}

/** A plan that was asked for, undefined behind the last; bytes of batches that were taken; or the end. */
export type ToStageWorker = { plan: StagePlan | undefined } | { taken: number } | { stop: true };

export type FromStageWorker =
  | { ask: true }
  | { item: StageBatch; bytes: number; counters: ReadCounters }
  | { error: SerializedError };

const { kernel, parts, reading, aheadBytes } = workerData as StageWorkerData;
adoptKernelModule(kernel);
const port = parentPort!;
const scope = new Scope(undefined);
/** As the plans name them: they were unpacked for all threads. */
const unpacked = new Map<number, UnpackedPart>();
const asked: ((plan: StagePlan | undefined) => void)[] = [];
let ahead = 0;
let stopped = false;
let wake = (): void => {};

port.on('message', (message: ToStageWorker) => {
  if ('plan' in message) {
    for (const [part, file] of message.plan?.unpacked ?? []) unpacked.set(part, file);
    asked.shift()?.(message.plan);
  } else if ('taken' in message) ahead -= message.taken;
  else {
    stopped = true;
    scope.end();
    for (const give of asked.splice(0)) give(undefined);
  }
  wake();
});

const plans: AsyncIterator<StagePlan> = {
  async next() {
    if (stopped) return { done: true, value: undefined };
    const plan = await new Promise<StagePlan | undefined>((resolve) => {
      asked.push(resolve);
      port.postMessage({ ask: true } satisfies FromStageWorker);
    });
    return plan === undefined ? { done: true, value: undefined } : { done: false, value: plan };
  },
};

function openParts(): CatalogPart[] {
  const files = openFiles();
  const local = localFileSystem();
  const fsOf = (scheme: string, authority = ''): FileSystem =>
    scheme === 'file' ? local : files.resolve(`${scheme}://${authority}/`).fs;
  return parts.map(({ scheme, authority, ...part }) => ({ ...part, fs: fsOf(scheme, authority) }));
}

async function run(): Promise<void> {
  const opened = openParts();
  const counters = zeroCounters();
  const indexes = new PartIndexes(
    { parts: opened },
    { strict: reading.strict, maxRecordBytes: reading.maxRecordBytes },
  );
  const places = { indexes, unpacked: { get: async (part: number) => unpacked.get(part)! } };
  for await (const item of runStages(plans, stageTools(opened, places, { ...reading, counters, scope }))) {
    const { batch, transfer } = movable(item.batch);
    const bytes = batchBytes(batch);
    ahead += bytes;
    const message: FromStageWorker = { item: { ...item, batch }, bytes, counters: { ...counters } };
    port.postMessage(message, transfer);
    Object.assign(counters, zeroCounters());
    while (ahead >= aheadBytes && ahead > 0 && !stopped) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (stopped) break;
  }
}

run()
  .catch((error: unknown) => port.postMessage({ error: serializeError(error) } satisfies FromStageWorker))
  .finally(() => port.close());

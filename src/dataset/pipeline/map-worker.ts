import { parentPort, workerData } from 'node:worker_threads';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/index.js';
import { serializeError } from '../worker-pool.js';
import { movable } from './batch-buffers.js';
import { expectBatch } from './expect-batch.js';

/** What a worker thread is told at its start. */
export interface MapWorkerData {
  readonly url: string;
  readonly name: string;
  readonly data: unknown;
}

const { url, name, data } = workerData as MapWorkerData;
const loading = load();
loading.catch(() => undefined); // told to the first batch

parentPort!.on('message', async ({ id, task }: { id: number; task: Batch }) => {
  try {
    const apply = await loading;
    const { batch, transfer } = movable(expectBatch(await apply(task, data)));
    parentPort!.postMessage({ id, result: batch }, transfer);
  } catch (error) {
    parentPort!.postMessage({ id, error: serializeError(error) });
  }
});
parentPort!.postMessage('ready');

async function load(): Promise<(batch: Batch, data: unknown) => Batch | PromiseLike<Batch>> {
  const exports = (await import(url)) as Record<string, never>;
  if (typeof exports[name] === 'function') return exports[name];
  const there = Object.keys(exports).join(', ') || 'nothing';
  throw new ShardfeedError('SHARDFEED_USAGE', `${url} exports no function ${JSON.stringify(name)}, but ${there}`);
}

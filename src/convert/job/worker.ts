import { parentPort, workerData } from 'node:worker_threads';
import { isShardfeedError } from '../../errors.js';
import { adoptKernelModule } from '../../records/kernel/kernel.js';
import { ChunkWork } from './chunk-work.js';
import type { WorkerPlan } from './compute.js';
import { InferWork } from './infer-work.js';
import type { SerializedError } from './pool.js';

const plan = workerData as WorkerPlan;
adoptKernelModule(plan.kernel);
const work = plan.kind === 'convert' ? new ChunkWork(plan.plan) : new InferWork(plan.plan);

parentPort!.on('message', ({ id, task }: { id: number; task: never }) => {
  try {
    const { result, transfer } = work.run(task);
    parentPort!.postMessage({ id, result }, transfer);
  } catch (error) {
    parentPort!.postMessage({ id, error: serialize(error as Error) });
  }
});
parentPort!.postMessage('ready');

function serialize(error: Error): SerializedError {
  const where = isShardfeedError(error) ? error.toJSON() : {};
  return { ...where, message: error.message, stack: error.stack };
}

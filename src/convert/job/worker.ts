import { parentPort, workerData } from 'node:worker_threads';
import { serializeError } from '../../dataset/worker-pool.js';
import { adoptKernelModule } from '../../records/kernel/kernel.js';
import { ChunkWork } from './chunk-work.js';
import type { WorkerPlan } from './compute.js';
import { InferWork } from './infer-work.js';

const plan = workerData as WorkerPlan;
adoptKernelModule(plan.kernel);
const work = plan.kind === 'convert' ? new ChunkWork(plan.plan) : new InferWork(plan.plan);

parentPort!.on('message', ({ id, task }: { id: number; task: never }) => {
  try {
    const { result, transfer } = work.run(task);
    parentPort!.postMessage({ id, result }, transfer);
  } catch (error) {
    parentPort!.postMessage({ id, error: serializeError(error) });
  }
});
parentPort!.postMessage('ready');

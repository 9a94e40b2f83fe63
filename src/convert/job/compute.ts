import { type KernelModule, kernelModule } from '../../records/kernel/kernel.js';
import { type ChunkResult, type ChunkTask, ChunkWork, type WorkPlan } from './chunk-work.js';
import { type InferPlan, type InferResult, type InferTask, InferWork } from './infer-work.js';
import { WorkerPool } from './pool.js';

/** What a worker thread is told at its start. */
export type WorkerPlan = { readonly kernel: KernelModule } & (
  | { readonly kind: 'convert'; readonly plan: WorkPlan }
  | { readonly kind: 'infer'; readonly plan: InferPlan }
);

/** Something that does pieces of work: this thread, or several workers. */
export interface Compute<T, R> {
  run(task: T): Promise<R>;
  /** Does a task once wherever pieces were done. */
  runOnAll(task: T): Promise<R[]>;
  close(): Promise<void>;
  /** Pieces that may be under way at once. */
  readonly width: number;
}

export function convertCompute(plan: WorkPlan, threads: number): Compute<ChunkTask, ChunkResult> {
  return threads === 0
    ? inline(new ChunkWork(plan))
    : pooled({ kernel: kernelModule(), kind: 'convert', plan }, threads);
}

export function inferCompute(plan: InferPlan, threads: number): Compute<InferTask, InferResult> {
  return threads === 0 ? inline(new InferWork(plan)) : pooled({ kernel: kernelModule(), kind: 'infer', plan }, threads);
}

function inline<T, R>(work: { run(task: T): { result: R } }): Compute<T, R> {
  return {
    run: async (task) => work.run(task).result,
    runOnAll: async (task) => [work.run(task).result],
    close: async () => {},
    width: 1,
  };
}

function pooled<T extends ChunkTask | InferTask, R>(plan: WorkerPlan, threads: number): Compute<T, R> {
  const pool = new WorkerPool<T, R>(new URL('./worker.js', import.meta.url), threads, plan);
  return {
    run: (task) => pool.run(task, buffersOf(task)),
    runOnAll: (task) => pool.runOnAll(task),
    close: () => pool.close(),
    width: threads + 2,
  };
}

/** Closes the workers as soon as the signal fires, so that nobody waits for them. */
export async function withCompute<T, R, A>(
  compute: Compute<T, R>,
  signal: AbortSignal | undefined,
  use: (compute: Compute<T, R>) => Promise<A>,
): Promise<A> {
  const onAbort = (): void => void compute.close();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await use(compute);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await compute.close();
  }
}

/** Memory that goes to the worker with a task. */
function buffersOf(task: { bytes?: Uint8Array; room?: ArrayBuffer | undefined; kind?: string }): ArrayBuffer[] {
  const bytes = task.kind === 'csv' || task.kind === 'infer' ? [task.bytes!.buffer as ArrayBuffer] : [];
  return task.room === undefined ? bytes : [...bytes, task.room];
}

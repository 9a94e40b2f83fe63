import { WorkerPool } from '../../dataset/worker-pool.js';
import { type KernelModule, kernelModule } from '../../records/kernel/kernel.js';
import { type ChunkResult, type ChunkTask, ChunkWork, type WorkPlan } from './chunk-work.js';
import { type InferPlan, type InferResult, type InferTask, InferWork } from './infer-work.js';

/** Pieces beyond one a worker that are read ahead, wait for a thread or for their turn to be written. */
const PIECES_AHEAD = 4;

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
  /** Awaits I/O in whose time this thread shall do no work, so that it is there when it is done. */
  aside<A>(io: Promise<A>): Promise<A>;
  close(): Promise<void>;
  /** Pieces that may be under way at once. */
  readonly width: number;
}

export function convertCompute(plan: WorkPlan, threads: number): Compute<ChunkTask, ChunkResult> {
  const here = new ChunkWork(plan);
  return threads === 0 ? inline(here) : pooled({ kernel: kernelModule(), kind: 'convert', plan }, threads, here);
}

export function inferCompute(plan: InferPlan, threads: number): Compute<InferTask, InferResult> {
  const here = new InferWork(plan);
  return threads === 0 ? inline(here) : pooled({ kernel: kernelModule(), kind: 'infer', plan }, threads, here);
}

interface Work<T, R> {
  run(task: T): { result: R };
}

function inline<T, R>(work: Work<T, R>): Compute<T, R> {
  return {
    run: async (task) => work.run(task).result,
    runOnAll: async (task) => [work.run(task).result],
    aside: (io) => io,
    close: async () => {},
    width: 1,
  };
}

function pooled<T extends object, R>(plan: WorkerPlan, threads: number, here: Work<T, R>): Compute<T, R> {
  const pool = new WorkerPool<T, R>(
    new URL('./worker.js', import.meta.url),
    threads,
    plan,
    (task) => here.run(task).result,
  );
  return {
    run: (task) => pool.run(task),
    runOnAll: (task) => pool.runOnAll(task),
    aside: (io) => pool.aside(io),
    close: () => pool.close(),
    width: threads + PIECES_AHEAD,
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

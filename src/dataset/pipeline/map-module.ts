import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ShardfeedError } from '../../errors.js';
import { Scope } from '../../files/index.js';
import { type Batch, copyBatch } from '../../records/index.js';
import { checkOptions, Kinds, type OptionKinds } from '../known-options.js';
import { mapOrdered } from '../map-ordered.js';
import { WorkerPool } from '../worker-pool.js';
import { movable } from './batch-buffers.js';
import type { MapWorkerData } from './map-worker.js';
import type { Positioned, StreamSource } from './source.js';
import { callUser } from './user-function.js';

/** A function in a module of its own, which worker threads import. */
export interface MapModule {
  /** URL, or path from the working directory, such as `new URL('./normalise.js', import.meta.url)`. */
  readonly module: URL | string;
  /** Name under which it exports `(batch, data) => batch`, which may be async. Default `'default'`. */
  readonly export?: string;
  /** What it gets as its second argument; copied to each thread. */
  readonly data?: unknown;
  /** Default: one less than there are cores, at least 1. The result does not depend on it. */
  readonly threads?: number;
}

const MAP_OPTIONS: OptionKinds<MapModule> = { module: true, export: Kinds.text, data: true, threads: true };

/** Batches that are on their way to or from each thread. */
const AHEAD = 2;

/** Every batch as a function in worker threads makes it, in the order of the source; the positions stay. */
export function mapModuleSource<B extends Batch, P, R extends Batch>(
  source: StreamSource<B, P>,
  operation: string,
  options: MapModule,
): StreamSource<R, P> {
  checkOptions('map', options, MAP_OPTIONS);
  const { module, export: name = 'default', data, threads = Math.max(1, availableParallelism() - 1) } = options;
  if (typeof module !== 'string' && !(module instanceof URL)) {
    throw new ShardfeedError('SHARDFEED_USAGE', 'map wants a function, or { module } with the path or URL of one');
  }
  if (!Number.isInteger(threads) || threads < 1) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `threads is ${threads}: a module is run in 1 or more; for none, give a function`,
    );
  }
  const workerData: MapWorkerData = { url: toUrl(module), name, data };
  return {
    ...source,
    borrowed: false,
    async *open(start) {
      const scope = new Scope(start.signal);
      const pool = new WorkerPool<B, R>(new URL('./map-worker.js', import.meta.url), threads, workerData);
      scope.signal.addEventListener('abort', () => void pool.close(), { once: true });
      const apply = async (batch: Positioned<B, P>): Promise<Positioned<R, P>> => {
        const { position } = batch;
        const made = await callUser(operation, position, start.signal, () => {
          const { batch: task, transfer } = movable(
            source.borrowed === true ? { ...batch, ...copyBatch(batch) } : batch,
          );
          return pool.run(task, transfer);
        });
        return { ...made, position };
      };
      try {
        yield* mapOrdered(source.open({ ...start, signal: scope.signal }), apply, threads * AHEAD);
      } finally {
        scope.end();
        await pool.close();
      }
    },
  };
}

function toUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return /^(file|data|node):/.test(module) ? module : pathToFileURL(resolve(module)).href;
}

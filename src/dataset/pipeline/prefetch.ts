import { Scope } from '../../files/index.js';
import { type Batch, copyBatch } from '../../records/index.js';
import { checkOptions, Kinds, type OptionKinds } from '../known-options.js';
import { batchBytes } from './batch-buffers.js';
import type { Positioned, StreamSource } from './source.js';

export interface PrefetchOptions {
  /** Memory that batches may take which are ready and not yet asked for; one of them there may always be. Default 64 MiB. */
  readonly bytes?: number;
}

const PREFETCH_OPTIONS: OptionKinds<PrefetchOptions> = { bytes: Kinds.bytes };

/** Makes batches while the consumer is busy. Positions are those of the batches that it got. */
export function prefetchSource<B extends Batch, P>(
  source: StreamSource<B, P>,
  options: PrefetchOptions,
): StreamSource<B, P> {
  checkOptions('prefetch', options, PREFETCH_OPTIONS);
  const { bytes = 64 << 20 } = options;
  return {
    ...source,
    borrowed: false,
    async *open(start) {
      const scope = new Scope(start.signal);
      const batches = source.open({ ...start, signal: scope.signal })[Symbol.asyncIterator]();
      const own = (batch: Positioned<B, P>): Positioned<B, P> =>
        source.borrowed === true ? { ...batch, ...copyBatch(batch) } : batch;
      const ready: { batch: Positioned<B, P>; size: number }[] = [];
      let held = 0;
      let last = 0;
      let ended = false;
      let failure: { error: unknown } | undefined;
      let filling: Promise<void> | undefined;
      let notify = (): void => {};

      const hungry = (): boolean => !ended && (ready.length === 0 || held + last <= bytes);
      const fill = async (): Promise<void> => {
        try {
          while (hungry()) {
            const step = await batches.next();
            if (step.done === true) ended = true;
            else if (!ended) {
              const batch = own(step.value);
              last = batchBytes(batch);
              held += last;
              ready.push({ batch, size: last });
            }
            notify();
          }
        } catch (error) {
          ended = true;
          failure = { error };
        } finally {
          filling = undefined;
          notify();
        }
      };
      try {
        for (;;) {
          if (hungry()) filling ??= fill();
          if (ready.length === 0 && !ended) {
            await new Promise<void>((resolve) => {
              notify = resolve;
            });
          }
          const next = ready.shift();
          if (next !== undefined) {
            held -= next.size;
            if (hungry()) filling ??= fill();
            yield next.batch;
          } else if (ended) break;
        }
        if (failure !== undefined) throw failure.error;
      } finally {
        ended = true;
        scope.end();
        await filling;
        await batches.return?.();
      }
    },
  };
}

import { throwIfAborted } from '../../errors.js';
import { Scope } from '../../files/index.js';
import type { Batch } from '../../records/index.js';
import type { Positioned, StreamSource } from './source.js';

/**
 * One read of a source. It ends with the source, an error, the source's signal, or `return`, which also ends a `next`
 * that is under way; then all that it held is released.
 */
export function iterate<B extends Batch, P>(
  source: StreamSource<B, P>,
): AsyncIterableIterator<Positioned<B, P>> & AsyncDisposable {
  type Step = IteratorResult<Positioned<B, P>>;
  const scope = new Scope(...[source.signal].flat());
  const { signal } = scope;
  const batches = source.open({ position: undefined, epoch: 0, signal })[Symbol.asyncIterator]();
  const end: Step = { done: true, value: undefined };
  let ended = false;

  async function next(): Promise<Step> {
    if (ended) return end;
    try {
      throwIfAborted(signal);
      const step = await batches.next();
      if (ended) return end;
      if (step.done === true) stop();
      return step;
    } catch (error) {
      if (ended) return end;
      const { aborted } = signal;
      stop();
      await batches.return?.().catch(() => undefined);
      if (aborted) throwIfAborted(signal);
      throw error;
    }
  }
  function stop(): void {
    ended = true;
    scope.end();
  }
  async function giveBack(): Promise<Step> {
    stop();
    await batches.return?.();
    return end;
  }
  return {
    next,
    return: giveBack,
    async throw(error) {
      await giveBack();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await giveBack();
    },
  };
}

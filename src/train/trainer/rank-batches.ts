import { setImmediate } from 'node:timers/promises';
import type { Batch } from '../../records/batch.js';

/** How long this thread may compute before timers, signals and files get their turn. */
const MOST_BUSY_MS = 20;

/** The batches of a rank in an epoch, one known ahead, so that the last one is known to be the last. */
export class RankBatches implements AsyncDisposable {
  readonly #enough = new AbortController();
  readonly #batches: AsyncIterator<Batch>;
  #next: Promise<IteratorResult<Batch>>;
  #yielded = performance.now();
  /** Milliseconds that were waited for batches. */
  waitedMs = 0;

  /** @param open begins; its signal fires when `signal` does, and when nobody wants batches any more */
  constructor(open: (signal: AbortSignal) => AsyncIterable<Batch> | Iterable<Batch>, signal: AbortSignal) {
    const batches = open(AbortSignal.any([signal, this.#enough.signal]));
    this.#batches =
      Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : asyncIterator(batches[Symbol.iterator]());
    this.#next = this.#ask();
  }

  /** Undefined behind the last one. */
  async take(): Promise<Batch | undefined> {
    const result = await this.#wait();
    if (result.done === true) return undefined;
    this.#next = this.#ask();
    return result.value;
  }

  /** Whether there are no more; waits until that is known. */
  async ended(): Promise<boolean> {
    return (await this.#wait()).done === true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What is under way may take long, and others are to learn at once of what went wrong here.
    this.#enough.abort();
    await this.#next.catch(() => {});
    await this.#batches.return?.();
  }

  #ask(): Promise<IteratorResult<Batch>> {
    const next = this.#batches.next();
    // Whoever waits for it is told; nobody may be there to wait.
    next.catch(() => {});
    return next;
  }

  async #wait(): Promise<IteratorResult<Batch>> {
    const start = performance.now();
    if (start - this.#yielded > MOST_BUSY_MS) {
      await setImmediate();
      this.#yielded = performance.now();
    }
    const result = await this.#next;
    this.waitedMs += performance.now() - start;
    return result;
  }
}

function asyncIterator(batches: Iterator<Batch>): AsyncIterator<Batch> {
  return {
    next: async () => batches.next(),
    return: async () => batches.return?.() ?? { done: true, value: undefined },
  };
}

import { setImmediate, setTimeout } from 'node:timers/promises';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/batch.js';
import type { ProcessGroup } from '../collective/process-group.js';

/** How long this thread may compute before timers, signals and files get their turn. */
const MOST_BUSY_MS = 20;
/** How long a source may take to end that nobody wants batches of any more. */
const MOST_CLOSING_MS = 1000;

/** The batches of a rank in an epoch, one known ahead, so that the last one is known to be the last. */
export class RankBatches implements AsyncDisposable {
  readonly #enough = new AbortController();
  readonly #batches: AsyncIterator<Batch>;
  #next: Promise<IteratorResult<Batch>>;
  #yielded = performance.now();
  readonly #signal: AbortSignal;
  #interrupt: ((reason: unknown) => void) | undefined;
  readonly #onAbort = (): void => this.#interrupt?.(this.#signal.reason);
  /** Milliseconds that were waited for batches. */
  waitedMs = 0;

  /**
   * @param open begins; its signal fires when `signal` does, and when nobody wants batches any more
   * @param signal ends the wait for a batch, with its reason, whether or not the source listens
   */
  constructor(open: (signal: AbortSignal) => AsyncIterable<Batch> | Iterable<Batch>, signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
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
    this.#signal.removeEventListener('abort', this.#onAbort);
    const closed = this.#close();
    closed.catch(() => {});
    const late = new AbortController();
    const ms = this.#signal.aborted ? 0 : MOST_CLOSING_MS;
    await Promise.race([closed, setTimeout(ms, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
  }

  async #close(): Promise<void> {
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
    const result = await new Promise<IteratorResult<Batch>>((resolve, reject) => {
      if (this.#signal.aborted) reject(this.#signal.reason);
      this.#interrupt = reject;
      this.#next.then(resolve, reject);
    });
    this.waitedMs += performance.now() - start;
    return result;
  }
}

/** Fires with SHARDFEED_ABORTED when `signal` does, and with the group's error when the group has failed. */
export function endOf(group: ProcessGroup, signal: AbortSignal | undefined): AbortSignal {
  if (signal === undefined) return group.signal;
  const aborted = new AbortController();
  const abort = (): void => aborted.abort(new ShardfeedError('SHARDFEED_ABORTED', 'aborted', { cause: signal.reason }));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true, signal: group.signal });
  return AbortSignal.any([group.signal, aborted.signal]);
}

function asyncIterator(batches: Iterator<Batch>): AsyncIterator<Batch> {
  return {
    next: async () => batches.next(),
    return: async () => batches.return?.() ?? { done: true, value: undefined },
  };
}

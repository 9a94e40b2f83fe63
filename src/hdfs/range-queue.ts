export interface RangeQueueOptions {
  start: number;
  end: number;
  /** Bytes of the first range. */
  firstBytes: number;
  /** Bytes of the ranges after it, and what one may hold; where the connection is fast they grow up to `mostRangeBytes`. */
  rangeBytes: number;
  mostRangeBytes: number;
  /** Ranges in flight or waiting for their turn; the first range is alone until a second chunk is wanted. */
  parallel: number;
  /** Hands the bytes [start, end) to `sink` in order. */
  fetch(start: number, end: number, sink: Sink, stop: AbortSignal): Promise<void>;
}

/** Takes bytes. Where it returns a promise, more are welcome only once that resolves. */
export type Sink = (chunk: Uint8Array) => Promise<void> | undefined;

/** How long a range of the best size takes: much longer than to open it. */
const RANGE_MS = 500;

/** Fetches ranges ahead and gives out their chunks in order. Holds at most `parallel` times `rangeBytes`. */
export class RangeQueue {
  readonly #options: RangeQueueOptions;
  readonly #stop = new AbortController();
  readonly #ranges: Range[] = [];
  #at: number;
  #width = 1;
  #size: number;

  constructor(options: RangeQueueOptions) {
    this.#options = options;
    this.#at = options.start;
    this.#size = options.rangeBytes;
  }

  /** The next chunk; undefined at the end. @throws what `fetch` throws */
  async next(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const abort = (): void => this.stop(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for (;;) {
        this.#launch();
        const head = this.#ranges[0];
        if (head === undefined) return undefined;
        const chunk = await head.next();
        if (chunk !== undefined) {
          this.#width = Math.max(this.#width, Math.min(2, this.#options.parallel));
          return chunk;
        }
        this.#ranges.shift();
        this.#learn(head);
      }
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Breaks off what is in flight. */
  stop(reason?: unknown): void {
    this.#stop.abort(reason);
    for (const range of this.#ranges) range.release();
  }

  /**
   * On a fast connection, and for a slow reader, larger ranges save requests, and only as many are opened ahead as it
   * takes that one is always flowing. On a slow connection several at a time are faster.
   */
  #learn(range: Range): void {
    const { rangeBytes, mostRangeBytes, parallel } = this.#options;
    const best = range.waited ? 2 * this.#size : range.bytesPerMs * RANGE_MS;
    this.#size = Math.max(rangeBytes, Math.min(mostRangeBytes, Math.floor(best)));
    const ahead = Math.ceil((range.openingMs * range.bytesPerMs) / this.#size);
    this.#width = best < mostRangeBytes ? parallel : Math.min(parallel, 1 + Math.max(1, ahead));
  }

  #launch(): void {
    const { start, end, firstBytes, rangeBytes, fetch } = this.#options;
    while (this.#ranges.length < this.#width && this.#at < end && !this.#stop.signal.aborted) {
      const from = this.#at;
      const to = Math.min(end, from + (from === start ? firstBytes : this.#size));
      this.#ranges.push(new Range(rangeBytes, (sink) => fetch(from, to, sink, this.#stop.signal)));
      this.#at = to;
    }
  }
}

/** What has come of one range and was not taken yet. */
class Range {
  /** Whether the reader was what it waited for. */
  waited = false;
  #most: number;
  readonly #chunks: Uint8Array[] = [];
  #held = 0;
  #bytes = 0;
  readonly #startedAt = performance.now();
  #firstAt = 0;
  #lastAt = 0;
  #done = false;
  #error: unknown;
  #wake: () => void = () => undefined;
  #room: () => void = () => undefined;

  constructor(most: number, fetch: (sink: Sink) => Promise<void>) {
    this.#most = most;
    fetch((chunk) => this.#take(chunk))
      .catch((error: unknown) => {
        this.#error = error ?? new Error('unknown');
      })
      .finally(() => {
        this.#done = true;
        this.#wake();
      });
  }

  /** How long its first bytes took to come. */
  get openingMs(): number {
    return this.#firstAt - this.#startedAt;
  }

  /** Since its first bytes came. */
  get bytesPerMs(): number {
    return this.#bytes / Math.max(1, this.#lastAt - this.#firstAt);
  }

  async next(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#done) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunk = this.#chunks.shift()!;
    this.#held -= chunk.length;
    if (this.#held < this.#most) this.#room();
    return chunk;
  }

  /** Lets a fetch that waits for room go on, to its end. */
  release(): void {
    this.#most = Number.POSITIVE_INFINITY;
    this.#room();
  }

  #take(chunk: Uint8Array): Promise<void> | undefined {
    this.#lastAt = performance.now();
    this.#firstAt ||= this.#lastAt;
    this.#bytes += chunk.length;
    this.#held += chunk.length;
    this.#chunks.push(chunk);
    this.#wake();
    if (this.#held < this.#most) return undefined;
    this.waited = true;
    return new Promise<void>((resolve) => {
      this.#room = resolve;
    });
  }
}

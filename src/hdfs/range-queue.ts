export interface RangeQueueOptions {
  start: number;
  end: number;
  /** Bytes of the first range. */
  firstBytes: number;
  /** Bytes of each range after it. */
  rangeBytes: number;
  /** Ranges in flight or waiting for their turn; the first range is alone until a second chunk is wanted. */
  parallel: number;
  /** Hands the bytes [start, end) to `sink` in order. */
  fetch(start: number, end: number, sink: (chunk: Uint8Array) => void, stop: AbortSignal): Promise<void>;
}

/** Fetches ranges ahead and gives out their chunks in order. Holds at most `parallel` ranges of bytes. */
export class RangeQueue {
  readonly #options: RangeQueueOptions;
  readonly #stop = new AbortController();
  readonly #ranges: Range[] = [];
  #at: number;
  #width = 1;

  constructor(options: RangeQueueOptions) {
    this.#options = options;
    this.#at = options.start;
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
          this.#width = this.#options.parallel;
          return chunk;
        }
        this.#ranges.shift();
      }
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Breaks off what is in flight. */
  stop(reason?: unknown): void {
    this.#stop.abort(reason);
  }

  #launch(): void {
    const { start, end, firstBytes, rangeBytes, fetch } = this.#options;
    while (this.#ranges.length < this.#width && this.#at < end && !this.#stop.signal.aborted) {
      const from = this.#at;
      const to = Math.min(end, from + (from === start ? firstBytes : rangeBytes));
      this.#ranges.push(new Range((sink) => fetch(from, to, sink, this.#stop.signal)));
      this.#at = to;
    }
  }
}

/** What has come of one range and was not taken yet. */
class Range {
  readonly #chunks: Uint8Array[] = [];
  #done = false;
  #error: unknown;
  #wake: () => void = () => undefined;

  constructor(fetch: (sink: (chunk: Uint8Array) => void) => Promise<void>) {
    const sink = (chunk: Uint8Array): void => {
      this.#chunks.push(chunk);
      this.#wake();
    };
    fetch(sink)
      .catch((error: unknown) => {
        this.#error = error ?? new Error('unknown');
      })
      .finally(() => {
        this.#done = true;
        this.#wake();
      });
  }

  async next(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#done) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#chunks.shift();
  }
}

import type { Sink } from './sink.js';

export interface RangeQueueOptions {
  start: number;
  end: number;
  /** Bytes of the first range. */
  firstBytes: number;
  /** Bytes of the ranges after it, and what one may hold; where the connection is fast they grow up to `mostRangeBytes`. */
  rangeBytes: number;
  mostRangeBytes: number;
  /** Ranges in flight or waiting for their turn; the first range is alone until more than it is wanted. */
  parallel: number;
  /** Brings the bytes [start, end) to `sink` in order. */
  fetch(start: number, end: number, sink: Sink, stop: AbortSignal): Promise<void>;
}

/** How long a range of the best size takes: much longer than to open it. */
const RANGE_MS = 500;
const BLOCK_BYTES = 1 << 20;

/** Fetches ranges ahead and gives out their bytes in order. Holds at most `parallel` times `rangeBytes`. */
export class RangeQueue {
  readonly #options: RangeQueueOptions;
  readonly #stop = new AbortController();
  readonly #ranges: Range[] = [];
  /** Blocks whose bytes were copied out. */
  readonly #spare: Uint8Array[] = [];
  #at: number;
  #width = 1;
  #size: number;

  constructor(options: RangeQueueOptions) {
    this.#options = options;
    this.#at = options.start;
    this.#size = options.rangeBytes;
  }

  /** The next chunk, which is the caller's; undefined at the end. @throws what `fetch` throws */
  next(): Promise<Uint8Array | undefined> {
    return this.#take((range) => range.next());
  }

  /** Puts the next bytes into memory, most of them without a copy; how many, 0 at the end. @throws what `fetch` throws */
  async readInto(into: Uint8Array): Promise<number> {
    return (await this.#take((range) => range.readInto(into))) ?? 0;
  }

  /** Takes from the first range that has something. */
  async #take<T>(take: (range: Range) => Promise<T | undefined>): Promise<T | undefined> {
    for (;;) {
      this.#launch();
      const head = this.#ranges[0];
      if (head === undefined) return undefined;
      const taken = await take(head);
      if (taken !== undefined) {
        this.#width = Math.max(this.#width, Math.min(2, this.#options.parallel));
        return taken;
      }
      this.#ranges.shift();
      this.#learn(head);
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
      const range = new Range({ length: to - from, most: rangeBytes, spare: this.#spare });
      range.begin(fetch(from, to, range, this.#stop.signal));
      this.#ranges.push(range);
      this.#at = to;
    }
  }
}

interface RangeOptions {
  readonly length: number;
  /** Bytes that it may hold. */
  readonly most: number;
  /** Blocks to use again. */
  readonly spare: Uint8Array[];
}

/** What has come of one range and was not taken yet, and the memory that a reader who waits has for more. */
class Range implements Sink {
  /** Whether the reader was what it waited for. */
  waited = false;
  readonly #blockBytes: number;
  readonly #spare: Uint8Array[];
  #most: number;
  #missing: number;
  /** All full but the last. */
  readonly #blocks: Uint8Array[] = [];
  /** Bytes in the last block, and bytes of the first one that were copied out. */
  #fill = 0;
  #taken = 0;
  #held = 0;
  /** The reader gives memory to read into, so that nothing more is held for it. */
  #direct = false;
  #target: Uint8Array | undefined;
  #targetFill = 0;
  #lent: 'block' | 'target' = 'block';
  #bytes = 0;
  readonly #startedAt = performance.now();
  #firstAt = 0;
  #lastAt = 0;
  #idleSince = 0;
  #idleMs = 0;
  #done = false;
  #error: unknown;
  #wake: () => void = () => undefined;
  #letGo: () => void = () => undefined;

  constructor({ length, most, spare }: RangeOptions) {
    this.#missing = length;
    this.#most = most;
    this.#spare = spare;
    this.#blockBytes = Math.min(BLOCK_BYTES, most);
  }

  /** `fetched` settles when all bytes have come, or none will come any more. */
  begin(fetched: Promise<void>): void {
    fetched
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

  /** Since its first bytes came, but for the time in which a direct reader wanted none. */
  get bytesPerMs(): number {
    return this.#bytes / Math.max(1, this.#lastAt - this.#firstAt - this.#idleMs);
  }

  /** A block that is full, or the last one. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const [block] = this.#blocks;
      const whole = this.#blocks.length > 1 || this.#fill === block?.length;
      if (block !== undefined && (whole || (this.#done && this.#fill > 0))) {
        const chunk = whole ? block : block.subarray(0, this.#fill);
        this.#blocks.shift();
        this.#gone(chunk.length);
        return chunk;
      }
      if (!(await this.#more())) return undefined;
    }
  }

  async readInto(into: Uint8Array): Promise<number | undefined> {
    this.#direct = true;
    if (this.#idleSince > 0) this.#idleMs += performance.now() - this.#idleSince;
    this.#idleSince = 0;
    for (;;) {
      const copied = this.#copyTo(into);
      if (copied > 0) return copied;
      this.#target = into;
      this.#targetFill = 0;
      this.#letGo();
      const more = await this.#more();
      this.#target = undefined;
      if (this.#targetFill > 0) return this.#targetFill;
      if (!more) return undefined;
    }
  }

  /** Lets a fetch that waits for room go on, to its end. */
  release(): void {
    this.#most = Number.POSITIVE_INFINITY;
    this.#letGo();
  }

  room(): Uint8Array | undefined {
    if (this.#direct) {
      this.#lent = 'target';
      const room = this.#held > 0 ? undefined : this.#target?.subarray(this.#targetFill);
      return room?.length === 0 ? undefined : room;
    }
    this.#lent = 'block';
    if (this.#held >= this.#most) {
      this.waited = true;
      return undefined;
    }
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#fill < last.length) return last.subarray(this.#fill);
    const bytes = Math.min(this.#blockBytes, this.#missing);
    const block = bytes === this.#blockBytes ? this.#spare.pop() : undefined;
    this.#blocks.push(block ?? Buffer.allocUnsafeSlow(bytes));
    this.#fill = 0;
    return this.#blocks.at(-1);
  }

  filled(bytes: number): void {
    this.#lastAt = performance.now();
    this.#firstAt ||= this.#lastAt;
    this.#bytes += bytes;
    this.#missing -= bytes;
    if (this.#lent === 'target') {
      this.#targetFill += bytes;
      if (this.#targetFill < this.#target!.length && this.#missing > 0) return;
      this.#idleSince = this.#lastAt;
    } else {
      this.#fill += bytes;
      this.#held += bytes;
      if (this.#fill < this.#blocks.at(-1)!.length && !this.#direct) return;
    }
    this.#wake();
  }

  wanted(): Promise<void> {
    if (this.#most === Number.POSITIVE_INFINITY) return Promise.resolve();
    return new Promise((resolve) => {
      this.#letGo = resolve;
    });
  }

  /** Copies what is held, and gives the blocks back. */
  #copyTo(into: Uint8Array): number {
    let copied = 0;
    while (this.#held > 0 && copied < into.length) {
      const [block] = this.#blocks;
      const end = this.#blocks.length > 1 ? block!.length : this.#fill;
      const part = block!.subarray(this.#taken, Math.min(end, this.#taken + into.length - copied));
      into.set(part, copied);
      copied += part.length;
      this.#taken += part.length;
      if (this.#taken === block!.length) {
        this.#blocks.shift();
        this.#taken = 0;
        if (block!.length === this.#blockBytes) this.#spare.push(block!);
      }
      this.#gone(part.length);
    }
    return copied;
  }

  #gone(bytes: number): void {
    this.#held -= bytes;
    if (this.#held < this.#most && !this.#direct) this.#letGo();
  }

  /** Waits for something to happen; false at the end. @throws what ended the fetch */
  async #more(): Promise<boolean> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#done) return false;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return true;
  }
}

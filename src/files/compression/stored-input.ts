import { throwIfAborted } from '../../errors.js';

/** The stored bytes of a file, in order, with a look ahead and a way to give back what was not used. */
export class StoredInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  #head: Uint8Array = new Uint8Array(0);
  #offset: number;
  #end = Number.POSITIVE_INFINITY;
  #exhausted = false;

  constructor(source: AsyncIterable<Uint8Array>, offset: number, signal: AbortSignal | undefined) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#offset = offset;
    this.#signal = signal;
  }

  /** Where the next byte lies in the stored file. */
  get offset(): number {
    return this.#offset;
  }

  /** Makes the input end before this offset of the stored file, until another end is set. */
  set end(offset: number) {
    this.#end = offset;
  }

  /** The next bytes, undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    if (!(await this.#fill(1))) return undefined;
    return this.#take(Math.min(this.#head.length, this.#end - this.#offset));
  }

  /** Exactly `count` bytes; undefined, and nothing taken, where fewer are left. */
  async take(count: number): Promise<Uint8Array | undefined> {
    if (!(await this.#fill(count))) return undefined;
    return this.#take(count);
  }

  /** Up to `count` bytes that stay in the input. */
  async peek(count: number): Promise<Uint8Array> {
    await this.#fill(count);
    return this.#head.subarray(0, Math.min(count, this.#end - this.#offset));
  }

  /** Puts the last `count` bytes of a chunk that `next` returned back. */
  unread(chunk: Uint8Array, count: number): void {
    if (count === 0) return;
    const bytes = chunk.subarray(chunk.length - count);
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([bytes, this.#head]);
    this.#offset -= count;
  }

  /** Passes over everything up to the end, and says where that is. */
  async drain(): Promise<number> {
    while ((await this.next()) !== undefined);
    return this.#offset;
  }

  async close(): Promise<void> {
    this.#head = new Uint8Array(0);
    if (!this.#exhausted) await this.#chunks.return?.();
    this.#exhausted = true;
  }

  #take(count: number): Uint8Array {
    const bytes = this.#head.subarray(0, count);
    this.#head = this.#head.subarray(count);
    this.#offset += count;
    return bytes;
  }

  /** Whether `count` bytes are there before the end. */
  async #fill(count: number): Promise<boolean> {
    if (this.#offset + count > this.#end) return false;
    while (this.#head.length < count) {
      throwIfAborted(this.#signal);
      if (this.#exhausted) return false;
      const item = await this.#chunks.next();
      if (item.done) this.#exhausted = true;
      else this.#head = this.#head.length === 0 ? item.value : Buffer.concat([this.#head, item.value]);
    }
    return true;
  }
}

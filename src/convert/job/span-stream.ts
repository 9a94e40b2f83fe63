/**
 * Fills buffers with ranges of a stream: ascending, with or without gaps between.
 * @param start where in its file the stream begins
 */
export class SpanStream {
  readonly #stream: AsyncIterator<Uint8Array>;
  #position: number;
  #piece: Uint8Array = new Uint8Array(0);

  constructor(stream: AsyncIterable<Uint8Array>, start: number) {
    this.#stream = stream[Symbol.asyncIterator]();
    this.#position = start;
  }

  /** Fills `into` with the bytes from `offset` on; false where the stream ends before. */
  async fill(into: Uint8Array, offset: number): Promise<boolean> {
    const end = offset + into.length;
    while (this.#position < end) {
      if (this.#piece.length === 0) {
        const next = await this.#stream.next();
        if (next.done) return false;
        this.#piece = next.value;
      }
      const skip = Math.min(Math.max(0, offset - this.#position), this.#piece.length);
      const taken = this.#piece.subarray(skip, skip + end - Math.max(offset, this.#position));
      if (taken.length > 0) into.set(taken, this.#position + skip - offset);
      this.#position += skip + taken.length;
      this.#piece = this.#piece.subarray(skip + taken.length);
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#stream.return?.();
  }
}

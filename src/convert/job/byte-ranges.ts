import type { CallOptions, Location } from '../../files/index.js';

/** ByteRanges of one file, in ascending order. */
export interface ByteRanges {
  /** Fills `into` with the bytes from `offset` on; false where the file ends before. */
  fill(into: Uint8Array, offset: number): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Opens a file for ranges from `start` on. Local files are read straight into the memory that they shall go to; remote
 * ones are streams, which have several requests in flight.
 */
export async function openByteRanges({ fs, path }: Location, start: number, call: CallOptions): Promise<ByteRanges> {
  if (fs.openReader === undefined) return new StreamedRanges(fs.read(path, { ...call, start }), start);
  const reader = await fs.openReader(path, call);
  return {
    async fill(into, offset) {
      let at = 0;
      for (let read = -1; read !== 0 && at < into.length; at += read) {
        read = await reader.read(into.subarray(at), offset + at);
      }
      return at === into.length;
    },
    close: () => reader.close(),
  };
}

/**
 * Fills buffers with ranges of a stream: ascending, with or without gaps between.
 * @param start where in its file the stream begins
 */
class StreamedRanges implements ByteRanges {
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

import type { Transform } from 'node:stream';
import type { Zlib } from 'node:zlib';

/** Bytes of output that an engine makes at a time; with `readableHighWaterMark: 1` it makes one piece ahead. */
export const ENGINE_OPTIONS = { chunkSize: 256 << 10, readableHighWaterMark: 1 } as const;

/**
 * One of Node's zlib streams, driven a chunk at a time: `feed` a chunk and take its output before the next. The work is
 * done on Node's thread pool, one piece of output ahead of the caller; memory is bounded whatever the ratio is.
 */
export class Engine {
  readonly #stream: Transform & Zlib;
  #fed = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(stream: Transform & Zlib) {
    this.#stream = stream;
    stream.on('readable', () => this.#wake());
    stream.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    stream.on('error', (error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  /**
   * Bytes at the end of the last chunk that lie behind the end of the compressed stream. It shows its end only by them
   * (or by `finish`): a stream that ends with its chunk looks as if it went on.
   */
  get unused(): number {
    return this.#fed - this.#stream.bytesWritten;
  }

  /** Output of one more chunk of input. @throws what zlib says of a damaged stream */
  feed(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
    this.#fed += chunk.length;
    return this.#output((done) => this.#stream.write(chunk, done));
  }

  /** The rest of the output after the last chunk. */
  finish(): AsyncGenerator<Uint8Array> {
    return this.#output((done) => this.#stream.end(done));
  }

  /** Frees the engine, at any time. */
  destroy(): void {
    this.#stream.destroy();
  }

  async *#output(start: (done: () => void) => void): AsyncGenerator<Uint8Array> {
    let taken = false;
    start(() => {
      taken = true;
      this.#wake();
    });
    for (;;) {
      for (let piece = this.#read(); piece !== null; piece = this.#read()) yield piece;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#stream.writableEnded ? this.#ended : taken) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #read(): Uint8Array | null {
    return this.#stream.read() as Uint8Array | null;
  }
}

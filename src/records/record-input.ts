import { throwIfAborted } from '../errors.js';
import { type ByteSource, type DirectSource, type Gap, isGap } from './byte-source.js';
import type { StreamWindow } from './stream-window.js';

/**
 * Bytes are taken in pieces that stay in a core's cache from the check to the decoder, and that are long enough to pay for
 * the way to a thread that reads and back, some 50 us each.
 */
export const PIECE_BYTES = 1 << 20;

/** Brings the bytes of a source into a window, piece by piece. */
export class RecordInput {
  readonly #source: AsyncIterator<Uint8Array | Gap> | DirectSource;
  readonly #window: StreamWindow;
  readonly #options: { path?: string; signal?: AbortSignal };
  readonly #onHarmless: (gap: Gap) => void;
  #chunk: Uint8Array = new Uint8Array(0);
  #gap: Gap | undefined;
  #ended = false;

  /** `onHarmless` is told of gaps that cost no bytes, such as a wrong checksum over whole content. */
  constructor(
    source: ByteSource | AsyncIterable<Uint8Array> | DirectSource,
    window: StreamWindow,
    options: { path?: string; signal?: AbortSignal },
    onHarmless: (gap: Gap) => void,
  ) {
    this.#source = 'readInto' in source ? source : source[Symbol.asyncIterator]();
    this.#window = window;
    this.#options = options;
    this.#onHarmless = onHarmless;
  }

  /** What ends the bytes, once `fill` has said false: a gap, or nothing at the end of the file. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Lets `fill` go on behind a gap. */
  passGap(): void {
    this.#gap = undefined;
  }

  /** Takes the next piece into the window; false at the end of the file or at a gap. @throws SHARDFEED_ABORTED */
  async fill(): Promise<boolean> {
    const source = this.#source;
    while (this.#chunk.length === 0) {
      if (this.#ended || this.#gap !== undefined) return false;
      throwIfAborted(this.#options.signal, this.#options.path);
      if ('readInto' in source) {
        const count = await source.readInto(this.#window.room(PIECE_BYTES));
        this.#window.extend(count);
        this.#ended = count === 0;
        return count > 0;
      }
      const item = await source.next();
      if (item.done) this.#ended = true;
      else if (!isGap(item.value)) this.#chunk = item.value;
      else if (item.value.lostBytes === 0) this.#onHarmless(item.value);
      else this.#gap = item.value;
    }
    const piece = this.#chunk.subarray(0, PIECE_BYTES);
    this.#chunk = this.#chunk.subarray(piece.length);
    this.#window.append(piece);
    return true;
  }

  /** Makes the window reach up to an offset; false where the bytes end before. */
  async have(offset: number): Promise<boolean> {
    while (this.#window.end < offset) if (!(await this.fill())) return false;
    return true;
  }

  async close(): Promise<void> {
    const source = this.#source;
    if ('readInto' in source) await source.close();
    else if (!this.#ended) await source.return?.();
    this.#ended = true;
  }
}

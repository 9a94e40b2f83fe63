const MOST = 12;

/**
 * Buffers that have done their duty and can serve again: allocating, zeroing and collecting megabytes for every piece
 * of work costs as much as the work. Threads share them: handing one over costs nothing, where a transferred buffer
 * counts as new memory of the thread that gets it and drives its collector.
 */
export class SpareBuffers {
  readonly #buffers: SharedArrayBuffer[] = [];

  /** The smallest buffer of at least this size and at most eight times that, else a new one. */
  take(bytes: number): SharedArrayBuffer {
    let best = -1;
    for (const [i, { byteLength }] of this.#buffers.entries()) {
      const fits = byteLength >= bytes && byteLength <= 8 * bytes;
      if (fits && (best < 0 || byteLength < this.#buffers[best]!.byteLength)) best = i;
    }
    return best < 0 ? new SharedArrayBuffer(Math.ceil(1.1 * bytes)) : this.#buffers.splice(best, 1)[0]!;
  }

  /** Takes over a buffer that nobody uses any more. */
  give(buffer: SharedArrayBuffer): void {
    this.#buffers.push(buffer);
    if (this.#buffers.length > MOST) this.#buffers.shift(); // the one that fitted nowhere for the longest time
  }
}

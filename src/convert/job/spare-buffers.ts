const MOST = 12;

/**
 * Buffers that have done their duty and can serve again: allocating, zeroing and collecting megabytes for every piece
 * of work costs as much as the work.
 */
export class SpareBuffers {
  readonly #buffers: ArrayBuffer[] = [];

  /** The smallest buffer of at least this size, if there is one of at most eight times that. */
  take(bytes: number): ArrayBuffer | undefined {
    let best = -1;
    for (const [i, { byteLength }] of this.#buffers.entries()) {
      const fits = byteLength >= bytes && byteLength <= 8 * bytes;
      if (fits && (best < 0 || byteLength < this.#buffers[best]!.byteLength)) best = i;
    }
    return best < 0 ? undefined : this.#buffers.splice(best, 1)[0];
  }

  /** Takes over a buffer that nobody uses any more. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === 0) return;
    this.#buffers.push(buffer);
    if (this.#buffers.length > MOST) this.#buffers.shift(); // the one that fitted nowhere for the longest time
  }
}

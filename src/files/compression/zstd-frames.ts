const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

/**
 * Follows the frames of a zstd stream (RFC 8878) as its stored bytes pass, to tell whether it ends between two:
 * Node 22 takes a truncated stream for a whole one.
 */
export class ZstdFrames {
  #expect: 'magic' | 'descriptor' | 'block' | 'skippable' | 'nothing known' = 'magic';
  /** Bytes to pass over before the next thing that matters. */
  #skip = 0;
  readonly #held = new Uint8Array(4);
  #heldBytes = 0;
  #checksumBytes = 0;

  /** The bytes so far end at the end of a frame; or they are no zstd stream, which its decoder will say. */
  get complete(): boolean {
    if (this.#expect === 'nothing known') return true;
    return this.#expect === 'magic' && this.#skip === 0 && this.#heldBytes === 0;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#expect === 'nothing known') return;
      const passed = Math.min(this.#skip, chunk.length - at);
      this.#skip -= passed;
      at += passed;
      if (at === chunk.length) return;
      this.#held[this.#heldBytes++] = chunk[at++]!;
      if (this.#heldBytes < NEEDED[this.#expect]) continue;
      this.#heldBytes = 0;
      this.#understand(new DataView(this.#held.buffer).getUint32(0, true));
      this.#held.fill(0);
    }
  }

  #understand(value: number): void {
    if (this.#expect === 'magic') {
      if (value === MAGIC) this.#expect = 'descriptor';
      else this.#expect = (value & ~15) >>> 0 === SKIPPABLE ? 'skippable' : 'nothing known';
    } else if (this.#expect === 'descriptor') {
      const single = (value >> 5) & 1;
      const contentSize = [single, 2, 4, 8][value >> 6]!;
      this.#skip = 1 - single + [0, 1, 2, 4][value & 3]! + contentSize;
      this.#checksumBytes = value & 4;
      this.#expect = 'block';
    } else if (this.#expect === 'block') {
      const runLength = ((value >> 1) & 3) === 1;
      const last = (value & 1) === 1;
      this.#skip = (runLength ? 1 : value >> 3) + (last ? this.#checksumBytes : 0);
      if (last) this.#expect = 'magic';
    } else {
      this.#skip = value;
      this.#expect = 'magic';
    }
  }
}

const NEEDED = { magic: 4, descriptor: 1, block: 3, skippable: 4 } as const;

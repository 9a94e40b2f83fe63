export type Entry = MemoryFile | MemoryFolder;

export class MemoryFolder {
  readonly children = new Map<string, Entry>();
  readonly mtimeMs = Date.now();
}

/** Bytes that grow at their end; the room doubles, so that appending costs a constant number of copies a byte. */
export class MemoryFile {
  mtimeMs = Date.now();
  #bytes = new Uint8Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (size > this.#bytes.length) {
      const room = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
      room.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = room;
    }
    this.#bytes.set(bytes, this.#size);
    this.#size = size;
    this.mtimeMs = Date.now();
  }

  /** A copy of the bytes [start, end). */
  slice(start: number, end: number): Uint8Array {
    return this.#bytes.slice(start, Math.min(end, this.#size));
  }
}

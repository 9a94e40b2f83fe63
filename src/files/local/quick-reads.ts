import { readSync } from 'node:fs';

/** A larger read is handed to a thread: copying so much is work that another core can do. */
const MOST_BYTES = 128 << 10;
/** What takes longer did not come from the page cache. Eight times what copying takes, and a thread's turn. */
const SLOW_MS = 0.5;
const MOST_PAUSE = 4096;

/**
 * Small reads are done on the spot where the page cache has the bytes: handing one to a thread and hearing of it costs two to three
 * times as much. Nothing tells beforehand whether it has them, so it is tried; after a read that had to wait for a disk or
 * a server the next one goes to a thread, then the next two, four, and so on for as long as none is quick.
 */
export class QuickReads {
  readonly #now: () => number;
  #pause = 1;
  #left = 0;

  /** @param now milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** As `readSync`; undefined where the read is better handed to a thread. */
  read(file: number, into: Uint8Array, position: number): number | undefined {
    if (into.length > MOST_BYTES) return undefined;
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    const start = this.#now();
    const bytes = readSync(file, into, 0, into.length, position);
    const slow = this.#now() - start > SLOW_MS;
    this.#left = slow ? this.#pause : 0;
    this.#pause = slow ? Math.min(MOST_PAUSE, 2 * this.#pause) : Math.max(1, this.#pause / 2);
    return bytes;
  }
}

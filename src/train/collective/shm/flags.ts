import { readSync, writeSync } from 'node:fs';
import type { ShmLayout } from './layout.js';

/**
 * The flags of all ranks: one byte counts one thing modulo 256, so that none is ever seen half written. Each rank writes its own ones, into
 * its own file, after what they tell of: the two writes hold the lock of the file one after the other, which puts them in order on every
 * processor, and the reader's two reads are parted by the kernel's atomic count of references to the page.
 */
export class Flags {
  readonly #files: readonly number[];
  readonly #at: number;
  readonly #own: Uint8Array;
  /** As last read, by rank. */
  readonly #seen: readonly Uint8Array[];
  readonly #rank: number;

  constructor(files: readonly number[], rank: number, layout: ShmLayout) {
    this.#files = files;
    this.#at = layout.flags;
    this.#rank = rank;
    this.#seen = files.map(() => new Uint8Array(layout.flagCount));
    this.#own = this.#seen[rank]!;
  }

  /** Counts one more. */
  raise(flag: number): void {
    this.#own[flag]!++;
    writeSync(this.#files[this.#rank]!, this.#own, flag, 1, this.#at + flag);
  }

  /** Whether the rank has counted to `count`, of which only the lowest byte matters, or further. Reads anew only where it has not. */
  reached(rank: number, flag: number, count: number): boolean {
    const seen = this.#seen[rank]!;
    if ((seen[flag]! - count) << 24 >= 0) return true;
    readSync(this.#files[rank]!, seen, 0, seen.length, this.#at);
    return (seen[flag]! - count) << 24 >= 0;
  }
}

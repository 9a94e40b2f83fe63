import { crcOfSuffix } from './crc32c.js';

/** Distance of the stored CRCs in bytes: half of it is what a look-up computes anew on average. */
const GRID = 512;

/**
 * CRCs of the prefixes of a run of bytes, so that the CRC of any range in it costs O(log length): damaged bytes can hold
 * many headers that claim long payloads, and checking each by itself would be quadratic.
 */
export class CrcPrefixes {
  readonly #crcOf: (from: number, to: number, seed: number) => number;
  /** The run begins here; its prefix CRC is 0. */
  #base = 0;
  /** How far the run reaches. */
  #covered = -1;
  /** Prefix CRC at #base + k * GRID. */
  #grid: number[] = [];
  /** The prefix CRC at the first byte that is still there; the grid point before it has lost the bytes behind it. */
  #pinned: { offset: number; crc: number } | undefined;

  /** `crcOf` continues the CRC `seed` over the bytes [from, to) of the stream. */
  constructor(crcOf: (from: number, to: number, seed: number) => number) {
    this.#crcOf = crcOf;
  }

  /** All bytes before this offset have been looked at at least once; -1 where there is no run. */
  get covered(): number {
    return this.#covered;
  }

  /** The CRC of [from, to). A range may not begin before the latest {@link forget}. */
  range(from: number, to: number): number {
    if (from >= this.#covered) this.#begin(from);
    this.#extend(to);
    return crcOfSuffix(this.#at(from), this.#at(to), to - from);
  }

  /** The bytes before this offset are about to go. */
  forget(offset: number): void {
    if (offset <= this.#base) return;
    const { covered } = this;
    if (offset >= covered) {
      this.#begin(-1);
    } else if (offset - this.#base < this.#grid.length * (GRID >> 1)) {
      this.#pinned = { offset, crc: this.#at(offset) };
    } else {
      // More than half of the run is behind: begin anew here and walk the smaller rest once more.
      this.#begin(offset);
      this.#extend(covered);
    }
  }

  #begin(offset: number): void {
    this.#base = offset;
    this.#covered = offset;
    this.#grid = [0];
    this.#pinned = undefined;
  }

  #extend(to: number): void {
    while (this.#covered < to) {
      const line = this.#base + this.#grid.length * GRID;
      if (line <= to) this.#grid.push(this.#at(line));
      this.#covered = Math.min(to, line);
    }
  }

  #at(offset: number): number {
    const k = Math.min(Math.floor((offset - this.#base) / GRID), this.#grid.length - 1);
    const start = this.#base + k * GRID;
    const pinned = this.#pinned;
    if (pinned !== undefined && pinned.offset > start && pinned.offset <= offset) {
      return this.#crcOf(pinned.offset, offset, pinned.crc);
    }
    return this.#crcOf(start, offset, this.#grid[k]!);
  }
}

import { lastAtMost, type Ordinals } from './ordinals.js';
import { type EpochKey, RandomWords } from './random.js';

/** The streams of random words that an epoch uses. */
export const Streams = { BLOCKS: 1, GLOBAL: 2, WINDOWS: 16 } as const;

/** A stretch of a block: records [start, start + count) of the dataset. */
export interface Piece {
  readonly part: number;
  readonly start: number;
  readonly count: number;
}

/**
 * The blocks of a dataset, which are `block` consecutive records of a part or what is left of it, permuted and laid one
 * behind the other; that line of records is cut into lanes that differ in length by one at most.
 */
export class BlockLanes {
  readonly lanes: number;
  readonly #ordinals: Ordinals;
  readonly #block: number;
  /** The number of blocks before each part. */
  readonly #blocksBefore: Float64Array;
  readonly #partOf: Uint32Array;
  readonly #permuted: Uint32Array;
  /** How many records stand before each permuted block. */
  readonly #before: Float64Array;

  constructor(ordinals: Ordinals, { lanes, block }: { lanes: number; block: number }, key: EpochKey) {
    this.lanes = lanes;
    this.#ordinals = ordinals;
    this.#block = block;
    const { parts } = ordinals;
    this.#blocksBefore = new Float64Array(parts + 1);
    for (let part = 0; part < parts; part++) {
      this.#blocksBefore[part + 1] = this.#blocksBefore[part]! + Math.ceil(ordinals.countOf(part) / block);
    }
    const blocks = this.#blocksBefore[parts]!;
    this.#partOf = new Uint32Array(blocks);
    for (let part = 0; part < parts; part++) {
      this.#partOf.fill(part, this.#blocksBefore[part]!, this.#blocksBefore[part + 1]!);
    }
    this.#permuted = new RandomWords(key, Streams.BLOCKS, 0).permutation(blocks);
    this.#before = this.#countBefore(blocks);
  }

  /** Where a lane begins in the line of all records; of lane `lanes`, the number of records. */
  startOf(lane: number): number {
    // Exact up to 2^53 records: quotient and rest apart, since lane x records may be larger.
    const { records } = this.#ordinals;
    const { lanes } = this;
    return lane * Math.floor(records / lanes) + Math.floor((lane * (records % lanes)) / lanes);
  }

  sizeOf(lane: number): number {
    return this.startOf(lane + 1) - this.startOf(lane);
  }

  /** The places [from, to) of a lane as stretches of the dataset. */
  *pieces(lane: number, from: number, to: number): Generator<Piece> {
    const start = this.startOf(lane);
    let at = start + from;
    const end = start + to;
    for (let i = lastAtMost(this.#before, this.#permuted.length, at); at < end; i++) {
      const id = this.#permuted[i]!;
      const part = this.#partOf[id]!;
      const block = this.#ordinals.startOf(part) + (id - this.#blocksBefore[part]!) * this.#block;
      const skipped = at - this.#before[i]!;
      const count = Math.min(this.#before[i + 1]!, end) - at;
      yield { part, start: block + skipped, count };
      at += count;
    }
  }

  #countBefore(blocks: number): Float64Array {
    const sizes = new Uint32Array(blocks).fill(this.#block);
    for (let part = 0; part < this.#ordinals.parts; part++) {
      const last = this.#blocksBefore[part + 1]! - 1;
      const rest = this.#ordinals.countOf(part) % this.#block;
      if (rest > 0) sizes[last] = rest;
    }
    const before = new Float64Array(blocks + 1);
    for (let i = 0; i < blocks; i++) before[i + 1] = before[i]! + sizes[this.#permuted[i]!]!;
    return before;
  }
}

import { COLUMN_BYTES, type KernelColumns } from '../../records/kernel/columns.js';
import { finish, randomWord, shuffleBucket, toUnit } from './random.js';

/** How records find their target; structured-cloneable. Targets are split x fanout + sub-target. */
export interface Routing {
  /** What the sub-target is: none (0), the ordinal's turn, a hash of `key`, or a shuffle bucket. */
  readonly by: 'none' | 'round-robin' | 'hash' | 'shuffle';
  /** Sub-targets per split. */
  readonly fanout: number;
  /** Feature number for `hash`. */
  readonly key?: number;
  readonly seed: number;
  /** Cumulative shares of the splits, the last one is 1. Empty or one entry: no split. */
  readonly splits: readonly number[];
  /** Feature number that decides the split; undefined: the record's bytes. */
  readonly splitKey?: number;
}

/** Seeds of the key hash: one for parts, one for splits, so that the two are independent. */
const PART_HASH_SEED = 0;
const SPLIT_HASH_SEED = 0x5117;

export function targetCount(routing: Routing): number {
  return Math.max(1, routing.splits.length) * routing.fanout;
}

/**
 * Computes the target of each row that lies in `columns`.
 * @param ordinals global ordinal of the first row; rows follow one another
 * @param crcs unmasked payload CRC of row i at `crcs[2 * i + 1]`
 */
export class Router {
  readonly #routing: Routing;
  readonly #columns: KernelColumns | undefined;
  readonly #hashes: number;

  constructor(routing: Routing, columns: KernelColumns | undefined) {
    this.#routing = routing;
    this.#columns = columns;
    const keyed = routing.key !== undefined || routing.splitKey !== undefined;
    this.#hashes = keyed && columns !== undefined ? columns.kernel.alloc(8 * columns.capacity) : 0;
  }

  /** All records go to target 0. */
  get single(): boolean {
    return targetCount(this.#routing) === 1;
  }

  assign(rows: number, firstOrdinal: number, meta: Uint32Array, targets: Uint32Array, at: number): void {
    const { by, fanout, seed } = this.#routing;
    if (by === 'round-robin') for (let i = 0; i < rows; i++) targets[at + i] = (firstOrdinal + i) % fanout;
    else if (by === 'shuffle') for (let i = 0; i < rows; i++) targets[at + i] = shuffleBucket(seed, firstOrdinal + i);
    else if (by === 'hash') {
      const words = this.#hash(this.#routing.key!, rows, PART_HASH_SEED);
      const high = 4294967296 % fanout;
      for (let i = 0; i < rows; i++) targets[at + i] = ((words[2 * i + 1]! % fanout) * high + words[2 * i]!) % fanout;
    } else targets.fill(0, at, at + rows);
    if (this.#routing.splits.length > 1) this.#addSplit(rows, meta, targets, at);
  }

  #addSplit(rows: number, meta: Uint32Array, targets: Uint32Array, at: number): void {
    const { splits, splitKey, fanout, seed } = this.#routing;
    const salt = randomWord(seed, SPLIT_HASH_SEED, 0);
    const words = splitKey === undefined ? undefined : this.#hash(splitKey, rows, SPLIT_HASH_SEED);
    for (let i = 0; i < rows; i++) {
      const unit = toUnit(finish((words === undefined ? meta[2 * i + 1]! : words[2 * i]!) ^ salt));
      let split = 0;
      while (split < splits.length - 1 && unit >= splits[split]!) split++;
      targets[at + i]! += split * fanout;
    }
  }

  /** Low and high words of the XXH64 of each row's value. */
  #hash(feature: number, rows: number, seed: number): Uint32Array {
    const columns = this.#columns!;
    const { kernel } = columns;
    kernel.exports.hashColumn!(columns.address + feature * COLUMN_BYTES, rows, this.#hashes, seed);
    return new Uint32Array(kernel.memory.buffer, this.#hashes, 2 * rows);
  }
}

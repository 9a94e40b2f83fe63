/** Numbers the records of a dataset, part by part, from 0. */
export class Ordinals {
  readonly parts: number;
  /** Ordinal of each part's first record; behind the last part, the number of all records. */
  readonly #starts: Float64Array;

  /** @param counts records of each part */
  constructor(counts: ArrayLike<number>) {
    this.parts = counts.length;
    this.#starts = new Float64Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) this.#starts[i + 1] = this.#starts[i]! + counts[i]!;
  }

  get records(): number {
    return this.#starts[this.parts]!;
  }

  startOf(part: number): number {
    return this.#starts[part]!;
  }

  countOf(part: number): number {
    return this.#starts[part + 1]! - this.#starts[part]!;
  }

  /** The part that holds an ordinal below `records`. */
  partOf(ordinal: number): number {
    return lastAtMost(this.#starts, this.parts, ordinal);
  }
}

/** The last of the first `count` ascending numbers that is not above a value. */
export function lastAtMost(ascending: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (ascending[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

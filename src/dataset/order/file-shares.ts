import { usage } from './order-spec.js';

/**
 * Whole files for every rank: the largest first, each to the rank that has the fewest records so far, so that shares are nearly
 * equal. Gives for each rank its parts, ascending.
 * @throws SHARDFEED_USAGE where a rank would get no record
 */
export function fileShares(counts: ArrayLike<number>, worldSize: number): Uint32Array[] {
  const parts = Array.from({ length: counts.length }, (_, part) => part).filter((part) => counts[part]! > 0);
  if (parts.length < worldSize) {
    throw usage(
      `mode 'file' gives ${worldSize} workers whole files, and only ${parts.length} hold records: ` +
        `${worldSize - parts.length} would have nothing to do; mode 'record' shares out their records`,
    );
  }
  parts.sort((a, b) => counts[b]! - counts[a]! || a - b);
  const shares: number[][] = Array.from({ length: worldSize }, () => []);
  const ranks = new LeastLoaded(worldSize);
  for (const part of parts) shares[ranks.add(counts[part]!)]!.push(part);
  return shares.map((share) => Uint32Array.from(share).sort());
}

/** A binary heap of ranks, the one with the least load on top; of equals the lowest. */
class LeastLoaded {
  readonly #ranks: Uint32Array;
  readonly #loads: Float64Array;

  constructor(ranks: number) {
    this.#ranks = Uint32Array.from({ length: ranks }, (_, rank) => rank);
    this.#loads = new Float64Array(ranks);
  }

  /** Gives a load to the rank on top, and says which. */
  add(load: number): number {
    const rank = this.#ranks[0]!;
    this.#loads[rank]! += load;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#ranks.length && this.#above(child, least)) least = child;
      }
      if (least === at) return rank;
      const moved = this.#ranks[least]!;
      this.#ranks[least] = this.#ranks[at]!;
      this.#ranks[at] = moved;
      at = least;
    }
  }

  #above(a: number, b: number): boolean {
    const [x, y] = [this.#ranks[a]!, this.#ranks[b]!];
    return this.#loads[x]! < this.#loads[y]! || (this.#loads[x] === this.#loads[y] && x < y);
  }
}

import { usage } from './order-spec.js';

/** The ranks that a part lies near to. */
export type NearParts = (part: number) => readonly number[];

/**
 * Whole files for every rank: the largest first, each to the rank that has the fewest records so far, so that shares are nearly
 * equal; where it is known which ranks lie near to a file, those come first. Gives for each rank its parts, ascending.
 * @throws SHARDFEED_USAGE where a rank would get no record
 */
export function fileShares(counts: ArrayLike<number>, worldSize: number, near?: NearParts): Uint32Array[] {
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
  const far = near === undefined ? parts : shareOutNear(parts, counts, { near, shares, ranks });
  for (const part of far) shares[ranks.add(counts[part]!)]!.push(part);
  return shares.map((share) => Uint32Array.from(share).sort());
}

/** Gives parts to ranks that they lie near to, as long as none gets more than its share; gives the parts that are left. */
function shareOutNear(
  parts: readonly number[],
  counts: ArrayLike<number>,
  { near, shares, ranks }: { near: NearParts; shares: number[][]; ranks: LeastLoaded },
): number[] {
  const most = Math.ceil(parts.reduce((n, part) => n + counts[part]!, 0) / shares.length);
  return parts.filter((part) => {
    const [rank] = [...near(part)].sort((a, b) => ranks.loadOf(a) - ranks.loadOf(b) || a - b);
    if (rank === undefined || ranks.loadOf(rank) + counts[part]! > Math.max(most, counts[parts[0]!]!)) return true;
    ranks.addTo(rank, counts[part]!);
    shares[rank]!.push(part);
    return false;
  });
}

/** A binary heap of ranks, the one with the least load on top; of equals the lowest. */
class LeastLoaded {
  readonly #ranks: Uint32Array;
  readonly #loads: Float64Array;

  constructor(ranks: number) {
    this.#ranks = Uint32Array.from({ length: ranks }, (_, rank) => rank);
    this.#loads = new Float64Array(ranks);
  }

  loadOf(rank: number): number {
    return this.#loads[rank]!;
  }

  /** Gives a load to the rank on top, and says which. */
  add(load: number): number {
    const rank = this.#ranks[0]!;
    this.#sink(0, load);
    return rank;
  }

  addTo(rank: number, load: number): void {
    this.#sink(this.#ranks.indexOf(rank), load);
  }

  #sink(from: number, load: number): void {
    this.#loads[this.#ranks[from]!]! += load;
    let at = from;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#ranks.length && this.#above(child, least)) least = child;
      }
      if (least === at) return;
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

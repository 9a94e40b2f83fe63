/** Ranges are joined up to this size: many to a request, and not so many that the first one waits long. */
const MOST_JOINED = 1 << 20;

/** Bytes [start, end) of a part that are read at once. */
interface Joined {
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Uint8Array>;
  /** Ranges of it that are still to be taken. */
  left: number;
}

/** What is known of a part: ranges that will be wanted, both ways, and by its start where each one that was read lies. */
class PartRanges {
  readonly endOf = new Map<number, number>();
  readonly startOf = new Map<number, number>();
  readonly joined = new Map<number, { readonly end: number; readonly in: Joined }>();

  add(start: number, end: number): void {
    this.drop(start, this.endOf.get(start));
    this.drop(this.startOf.get(end), end);
    this.endOf.set(start, end);
    this.startOf.set(end, start);
  }

  drop(start: number | undefined, end: number | undefined): void {
    if (start === undefined || end === undefined || this.endOf.get(start) !== end) return;
    this.endOf.delete(start);
    this.startOf.delete(end);
  }
}

/**
 * Where a request costs more than its bytes: a range that is wanted now is read with those that touch it and will be wanted soon. They
 * are kept until then.
 */
export class JointReads {
  readonly #most: number;
  readonly #parts = new Map<number, PartRanges>();
  #bytes = 0;

  /** `most` bytes are kept or on their way. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Bytes that are kept or on their way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes [start, end) of a part will be taken. */
  expect(part: number, start: number, end: number): void {
    this.#rangesOf(part).add(start, end);
  }

  /**
   * Bytes [start, end) of a part; undefined where they are to be read alone. `fetch` gives what there is
   * of a range, in memory of its own.
   */
  async take(
    part: number,
    start: number,
    end: number,
    fetch: (start: number, end: number) => Promise<Uint8Array>,
  ): Promise<Uint8Array | undefined> {
    const ranges = this.#rangesOf(part);
    const kept = ranges.joined.get(start);
    if (kept?.end === end) {
      ranges.joined.delete(start);
      // Who asked for all of it has the error; this range may be there.
      return this.#give(kept.in, start, end).catch(() => undefined);
    }
    ranges.drop(start, end);
    const joined = this.#join(ranges, start, end, fetch);
    return joined === undefined ? undefined : this.#give(joined, start, end);
  }

  #join(
    ranges: PartRanges,
    start: number,
    end: number,
    fetch: (start: number, end: number) => Promise<Uint8Array>,
  ): Joined | undefined {
    const limit = Math.min(MOST_JOINED, this.#most - this.#bytes);
    const others: (readonly [start: number, end: number])[] = [];
    let from = start;
    let to = end;
    for (let next = ranges.endOf.get(to); next !== undefined && next - from <= limit; next = ranges.endOf.get(to)) {
      ranges.drop(to, next);
      others.push([to, next]);
      to = next;
    }
    for (
      let next = ranges.startOf.get(from);
      next !== undefined && to - next <= limit;
      next = ranges.startOf.get(from)
    ) {
      ranges.drop(next, from);
      others.push([next, from]);
      from = next;
    }
    if (others.length === 0) return undefined;
    this.#bytes += to - from;
    const joined = { start: from, end: to, bytes: fetch(from, to), left: others.length + 1 };
    for (const [at, stop] of others) ranges.joined.set(at, { end: stop, in: joined });
    return joined;
  }

  async #give(joined: Joined, start: number, end: number): Promise<Uint8Array | undefined> {
    try {
      const bytes = await joined.bytes;
      const there = bytes.subarray(start - joined.start, end - joined.start);
      return there.length === end - start ? there : undefined;
    } finally {
      joined.left--;
      if (joined.left === 0) this.#bytes -= joined.end - joined.start;
    }
  }

  #rangesOf(part: number): PartRanges {
    const ranges = this.#parts.get(part) ?? new PartRanges();
    this.#parts.set(part, ranges);
    return ranges;
  }
}

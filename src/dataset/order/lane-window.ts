import { type BlockLanes, type Piece, Streams } from './block-lanes.js';
import type { Ordinals } from './ordinals.js';
import { type EpochKey, RandomWords } from './random.js';
import type { Spans } from './spans.js';

export interface WindowOrder {
  readonly ordinals: Ordinals;
  readonly key: EpochKey;
  readonly blocks: BlockLanes;
  /** Records of a lane that are mixed with each other. */
  readonly window: number;
}

/** Rows of a stage: `count` of each of some steps, from `at` on. Those of the next step take places `laneRows` further. */
export interface Grid {
  readonly at: number;
  readonly count: number;
  readonly steps: number;
  readonly rowsPerStep: number;
  readonly laneRows: number;
}

/** The windows that a stage has rows of, each made once. */
export class LaneWindows {
  readonly all: LaneWindow[] = [];
  readonly #order: WindowOrder;
  /** The window that each lane was last asked for. */
  readonly #last: LaneWindow[] = [];

  constructor(order: WindowOrder) {
    this.#order = order;
  }

  get lanes(): number {
    return this.#order.blocks.lanes;
  }

  /** Records of a lane. */
  sizeOf(lane: number): number {
    return this.#order.blocks.sizeOf(lane);
  }

  /** The window that holds a place of a lane which has records. */
  at(lane: number, place: number): LaneWindow {
    const last = this.#last[lane];
    if (last !== undefined && place >= last.from && place < last.to) return last;
    const number = Math.floor(place / this.#order.window);
    let window = this.all.find((known) => known.lane === lane && known.number === number);
    if (window === undefined) {
      window = new LaneWindow(this.#order, lane, number, this.all.length);
      this.all.push(window);
    }
    this.#last[lane] = window;
    return window;
  }
}

/** One window of one lane: its records in the order of the lane, and their permutation. */
export class LaneWindow {
  readonly lane: number;
  readonly number: number;
  readonly index: number;
  /** The places of the lane that it covers. */
  readonly from: number;
  readonly to: number;
  /** Of each piece the rank that had best have its records; -1: any. */
  readonly owners: Int32Array;
  readonly #pieces: readonly Piece[];
  /** The piece that each record belongs to. */
  readonly #pieceOf: Uint32Array;
  readonly #permutation: Uint32Array;
  /** Of each piece: where it begins in the window, and the first and the last of its records that is needed. */
  readonly #begins: Uint32Array;
  readonly #least: Uint32Array;
  readonly #most: Uint32Array;
  readonly #spans: number[] = [];
  /** Of each piece: what leads from a record's number to its place among those of all runs. */
  readonly #shift: Float64Array;

  constructor({ blocks, window, key }: WindowOrder, lane: number, number: number, index: number) {
    this.lane = lane;
    this.number = number;
    this.index = index;
    this.from = number * window;
    this.to = Math.min(this.from + window, blocks.sizeOf(lane));
    const size = this.to - this.from;
    this.#pieces = [...blocks.pieces(lane, this.from, this.to)];
    const pieces = this.#pieces.length;
    this.#pieceOf = new Uint32Array(size);
    this.#begins = new Uint32Array(pieces);
    let at = 0;
    this.#pieces.forEach(({ count }, i) => {
      this.#begins[i] = at;
      this.#pieceOf.fill(i, at, at + count);
      at += count;
    });
    this.#permutation = new RandomWords(key, Streams.WINDOWS + lane, number).permutation(size);
    this.#least = new Uint32Array(pieces).fill(0xffffffff);
    this.#most = new Uint32Array(pieces);
    this.#shift = new Float64Array(pieces);
    this.owners = new Int32Array(pieces).fill(-1);
  }

  /** Writes the numbers of the records that stand at the places from `place` on, and marks them as needed. */
  take(place: number, into: Uint32Array, { at, count, steps, rowsPerStep, laneRows }: Grid): void {
    const permutation = this.#permutation;
    const pieceOf = this.#pieceOf;
    const least = this.#least;
    const most = this.#most;
    for (let step = 0; step < steps; step++) {
      const from = place - this.from + step * laneRows;
      const to = at + step * rowsPerStep;
      for (let i = 0; i < count; i++) {
        const record = permutation[from + i]!;
        const piece = pieceOf[record]!;
        if (record < least[piece]!) least[piece] = record;
        if (record > most[piece]!) most[piece] = record;
        into[to + i] = record;
      }
    }
  }

  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** The owner of the record that stands at a place of the lane. */
  ownerAt(place: number): number {
    return this.owners[this.#pieceOf[this.#permutation[place - this.from]!]!]!;
  }

  /** Of each piece, what lies between the first and the last record that is needed. */
  addTo(spans: Spans): void {
    this.#pieces.forEach(({ start }, i) => {
      const least = this.#least[i]!;
      const most = this.#most[i]!;
      this.#spans.push(least > most ? -1 : spans.add(start + least - this.#begins[i]!, most - least + 1));
    });
  }

  settle(places: Float64Array): void {
    this.#spans.forEach((span, i) => {
      if (span >= 0) this.#shift[i] = places[span]! - this.#least[i]!;
    });
  }

  /** Makes numbers of records places among those of all runs. */
  place(rows: Uint32Array, { at, count, steps, rowsPerStep }: Grid): void {
    const shift = this.#shift;
    const pieceOf = this.#pieceOf;
    for (let step = 0; step < steps; step++) {
      const from = at + step * rowsPerStep;
      for (let i = from; i < from + count; i++) rows[i] = shift[pieceOf[rows[i]!]!]! + rows[i]!;
    }
  }
}

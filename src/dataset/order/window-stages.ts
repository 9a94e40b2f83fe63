import { type BlockLanes, type Piece, Streams } from './block-lanes.js';
import type { Ordinals } from './ordinals.js';
import { type EpochKey, RandomWords } from './random.js';
import { rowsOf, type Share } from './share.js';
import { Spans } from './spans.js';
import type { Stage } from './stage.js';

export interface WindowOrder {
  readonly ordinals: Ordinals;
  readonly key: EpochKey;
  readonly blocks: BlockLanes;
  /** Records of a lane that are mixed with each other. */
  readonly window: number;
}

/**
 * The stages of a shuffle in windows. Step t takes the places [t x rows, (t + 1) x rows) of each lane, and a stage the steps that
 * begin in one window, which is the same in all lanes.
 */
export function* windowStages(order: WindowOrder, share: Share): Generator<Stage> {
  const { lanes } = order.blocks;
  const rows = share.globalBatchSize / lanes;
  const done = share.consumed / lanes;
  const { steps } = share;
  for (let step = 0; step < steps; ) {
    const end = (Math.floor((done + step * rows) / order.window) + 1) * order.window;
    const next = Math.min(steps, Math.ceil((end - done) / rows));
    yield makeStage(order, share, step, next);
    step = next;
  }
}

function makeStage(order: WindowOrder, share: Share, firstStep: number, endStep: number): Stage {
  const { blocks } = order;
  const laneRows = share.globalBatchSize / blocks.lanes;
  const { from, to } = rowsOf(share.rank, share.worldSize, share.globalBatchSize);
  const rowsPerStep = to - from;
  const steps = endStep - firstStep;
  const begin = share.consumed / blocks.lanes + firstStep * laneRows;
  const mask = new Uint8Array(steps * rowsPerStep).fill(1);
  // Of each row the window, and first its record's number there, then that among the records of all runs.
  const windowOf = new Uint32Array(mask.length);
  const rows = new Uint32Array(mask.length);
  const windows: LaneWindow[] = [];

  for (let lane = Math.floor(from / laneRows); lane * laneRows < to; lane++) {
    const first = Math.max(from, lane * laneRows);
    const last = Math.min(to, (lane + 1) * laneRows);
    const size = blocks.sizeOf(lane);
    // A lane without records is padded from the last one, which has some where any has.
    const source = size > 0 ? lane : blocks.lanes - 1;
    const windowWith = (place: number): LaneWindow => {
      const number = Math.floor(place / order.window);
      const known = windows.find((window) => window.lane === source && window.number === number);
      if (known !== undefined) return known;
      const window = new LaneWindow(order, source, number, windows.length);
      windows.push(window);
      return window;
    };
    let current: LaneWindow | undefined;
    for (let step = 0; step < steps; step++) {
      for (let j = first; j < last; j++) {
        const row = step * rowsPerStep + j - from;
        let place = begin + step * laneRows + j - lane * laneRows;
        if (place >= size) {
          mask[row] = 0;
          place = (place - size) % blocks.sizeOf(source);
        }
        if (current === undefined || place < current.from || place >= current.to) {
          current = windowWith(place);
        }
        windowOf[row] = current.index;
        rows[row] = current.take(place);
      }
    }
  }

  const spans = new Spans();
  for (const window of windows) window.addTo(spans);
  const { runs, places } = spans.toRuns(order.ordinals);
  for (const window of windows) window.settle(places);
  for (let row = 0; row < rows.length; row++) rows[row] = windows[windowOf[row]!]!.placeOf(rows[row]!);
  return { firstStep, steps, rowsPerStep, runs, rows, mask };
}

/** One window of one lane: its records in the order of the lane, and their permutation. */
class LaneWindow {
  readonly lane: number;
  readonly number: number;
  readonly index: number;
  /** The places of the lane that it covers. */
  readonly from: number;
  readonly to: number;
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
  }

  /** Marks the record that stands at a place of the lane as needed, and gives its number in the window. */
  take(place: number): number {
    const record = this.#permutation[place - this.from]!;
    const piece = this.#pieceOf[record]!;
    if (record < this.#least[piece]!) this.#least[piece] = record;
    if (record > this.#most[piece]!) this.#most[piece] = record;
    return record;
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

  placeOf(record: number): number {
    return this.#shift[this.#pieceOf[record]!]! + record;
  }
}

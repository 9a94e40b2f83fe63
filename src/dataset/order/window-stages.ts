import { type Grid, type LaneWindow, LaneWindows, type WindowOrder } from './lane-window.js';
import { localRows } from './local-rows.js';
import type { Ordinals } from './ordinals.js';
import { rowsOf, type Share } from './share.js';
import { Spans } from './spans.js';
import type { Stage } from './stage.js';

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
  const windows = new LaneWindows(order);
  const chosen = localRows(order, windows, share, { begin, steps });
  const stage = new WindowRows(windows, { begin, laneRows, steps, rowsPerStep });
  if (chosen === undefined) {
    for (let batchRow = from; batchRow < to; ) {
      const count = Math.min(to, batchRow + laneRows - (batchRow % laneRows)) - batchRow;
      for (let step = 0; step < steps; ) step += stage.take(step, batchRow, count, batchRow - from, steps - step);
      batchRow += count;
    }
  } else {
    for (let at = 0; at < chosen.length; ) {
      const batchRow = chosen[at]!;
      const most = Math.min(laneRows - (batchRow % laneRows), rowsPerStep - (at % rowsPerStep));
      let count = 1;
      while (count < most && chosen[at + count] === batchRow + count) count++;
      stage.take(Math.floor(at / rowsPerStep), batchRow, count, at % rowsPerStep, 1);
      at += count;
    }
  }
  return { firstStep, steps, rowsPerStep, ...stage.settle(order.ordinals) };
}

/** The rows of a stage as they are found, in any order. */
class WindowRows {
  readonly #windows: LaneWindows;
  readonly #size: { readonly begin: number; readonly laneRows: number; readonly rowsPerStep: number };
  readonly #rows: Uint32Array;
  readonly #mask: Uint8Array;
  /** What each window gave. */
  readonly #taken: { readonly window: LaneWindow; readonly rows: Grid }[] = [];

  constructor(windows: LaneWindows, size: { begin: number; laneRows: number; steps: number; rowsPerStep: number }) {
    this.#windows = windows;
    this.#size = size;
    this.#mask = new Uint8Array(size.steps * size.rowsPerStep).fill(1);
    this.#rows = new Uint32Array(this.#mask.length);
  }

  /**
   * Takes `count` rows of a step's global batch, from `batchRow` on, all of one lane, as this rank's rows from `row` on; and the
   * same of the next steps, up to `steps` in all, where one window has them. How many steps were taken.
   */
  take(step: number, batchRow: number, count: number, row: number, steps: number): number {
    const { begin, laneRows, rowsPerStep } = this.#size;
    const lane = Math.floor(batchRow / laneRows);
    const size = this.#windows.sizeOf(lane);
    const first = begin + step * laneRows + batchRow - lane * laneRows;
    const at = step * rowsPerStep + row;
    for (let k = 0; k < count; ) {
      const place = first + k;
      if (place >= size) {
        this.#pad(lane, place - size, at + k);
        k++;
        continue;
      }
      const window = this.#windows.at(lane, place);
      const there = Math.min(count - k, window.to - place);
      const whole = there === count ? Math.min(steps, Math.floor((window.to - place - count) / laneRows) + 1) : 1;
      this.#add(window, place, { at: at + k, count: there, steps: whole, rowsPerStep, laneRows });
      if (there === count) return whole;
      k += there;
    }
    return 1;
  }

  /** The runs of what was taken, and the rows as places among their records. */
  settle(ordinals: Ordinals): Pick<Stage, 'runs' | 'rows' | 'mask'> {
    const spans = new Spans();
    for (const window of this.#windows.all) window.addTo(spans);
    const { runs, places } = spans.toRuns(ordinals);
    for (const window of this.#windows.all) window.settle(places);
    for (const { window, rows } of this.#taken) window.place(this.#rows, rows);
    return { runs, rows: this.#rows, mask: this.#mask };
  }

  /** A lane without records is padded from the last one, which has some where any has. */
  #pad(lane: number, place: number, at: number): void {
    const from = this.#windows.sizeOf(lane) === 0 ? this.#windows.lanes - 1 : lane;
    const wrapped = place % this.#windows.sizeOf(from);
    this.#add(this.#windows.at(from, wrapped), wrapped, { at, count: 1, steps: 1, rowsPerStep: 0, laneRows: 0 });
    this.#mask[at] = 0;
  }

  #add(window: LaneWindow, place: number, rows: Grid): void {
    window.take(place, this.#rows, rows);
    this.#taken.push({ window, rows });
  }
}

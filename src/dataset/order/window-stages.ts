import { LaneWindows, type WindowOrder } from './lane-window.js';
import { localRows } from './local-rows.js';
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
  const mask = new Uint8Array(steps * rowsPerStep).fill(1);
  const rows = new Uint32Array(mask.length);
  // Stretches of rows that one window gives: [first row, end, window].
  const stretches: number[] = [];
  for (let row = 0; row < rows.length; ) {
    const step = Math.floor(row / rowsPerStep);
    const batchRow = chosen === undefined ? from + row - step * rowsPerStep : chosen[row]!;
    let lane = Math.floor(batchRow / laneRows);
    let place = begin + step * laneRows + batchRow - lane * laneRows;
    const size = blocks.sizeOf(lane);
    const padding = place >= size;
    if (padding) {
      // A lane without records is padded from the last one, which has some where any has.
      if (size === 0) lane = blocks.lanes - 1;
      place = (place - size) % blocks.sizeOf(lane);
    }
    const window = windows.at(lane, place);
    const most = padding
      ? 1
      : Math.min((step + 1) * rowsPerStep - row, window.to - place, laneRows - (batchRow % laneRows));
    let count = 1;
    while (count < most && (chosen === undefined || chosen[row + count] === batchRow + count)) count++;
    window.take(place, count, rows, row);
    if (padding) mask[row] = 0;
    stretches.push(row, row + count, window.index);
    row += count;
  }
  const spans = new Spans();
  for (const window of windows.all) window.addTo(spans);
  const { runs, places } = spans.toRuns(order.ordinals);
  for (const window of windows.all) window.settle(places);
  for (let i = 0; i < stretches.length; i += 3) {
    windows.all[stretches[i + 2]!]!.place(rows, stretches[i]!, stretches[i + 1]!);
  }
  return { firstStep, steps, rowsPerStep, runs, rows, mask };
}

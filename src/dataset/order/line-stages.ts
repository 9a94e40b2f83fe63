import type { Ordinals } from './ordinals.js';
import { rowsOf, type Share } from './share.js';
import { Spans } from './spans.js';
import type { Stage } from './stage.js';

/** An order that is one line of records, of which step t takes the next global batch. */
export interface LineOrder {
  readonly ordinals: Ordinals;
  /** The record at a place of the line; undefined: the dataset's own order. */
  readonly recordAt?: (place: number) => number;
}

/** The stages of a line: as many steps in each as make about `stageRecords` of the rank's records. */
export function* lineStages(order: LineOrder, share: Share): Generator<Stage> {
  const { from, to } = rowsOf(share.rank, share.worldSize, share.globalBatchSize);
  const together = Math.max(1, Math.floor(share.stageRecords / (to - from)));
  const { steps } = share;
  for (let step = 0; step < steps; step += together) {
    yield makeStage(order, share, step, Math.min(steps, step + together));
  }
}

function makeStage(order: LineOrder, share: Share, firstStep: number, endStep: number): Stage {
  const { ordinals, recordAt } = order;
  const { records } = ordinals;
  const { from, to } = rowsOf(share.rank, share.worldSize, share.globalBatchSize);
  const rowsPerStep = to - from;
  const steps = endStep - firstStep;
  const mask = new Uint8Array(steps * rowsPerStep);
  const wanted = new Float64Array(steps * rowsPerStep);
  for (let step = 0; step < steps; step++) {
    const begin = share.consumed + (firstStep + step) * share.globalBatchSize + from;
    for (let j = 0; j < rowsPerStep; j++) {
      const row = step * rowsPerStep + j;
      const place = begin + j;
      mask[row] = place < records ? 1 : 0;
      const there = place < records ? place : (place - records) % records;
      wanted[row] = recordAt === undefined ? there : recordAt(there);
    }
  }
  return { firstStep, steps, rowsPerStep, ...gather(wanted, ordinals), mask };
}

/** The runs of wanted records, and where each record stands in them. */
function gather(wanted: Float64Array, ordinals: Ordinals): Pick<Stage, 'runs' | 'rows'> {
  const spans = new Spans();
  const rows = new Uint32Array(wanted.length);
  // Rows that follow each other in the dataset, such as all of them where nothing is shuffled, make one span.
  const firsts: number[] = [];
  for (let row = 0; row < wanted.length; ) {
    let end = row + 1;
    while (end < wanted.length && wanted[end] === wanted[end - 1]! + 1) end++;
    spans.add(wanted[row]!, end - row);
    firsts.push(row);
    row = end;
  }
  const { runs, places } = spans.toRuns(ordinals);
  firsts.forEach((first, i) => {
    const end = firsts[i + 1] ?? wanted.length;
    for (let row = first; row < end; row++) rows[row] = places[i]! + row - first;
  });
  return { runs, rows };
}

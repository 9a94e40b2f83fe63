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
  const numbers = Uint32Array.from({ length: Math.min(steps, together) * (to - from) }, (_, i) => i);
  for (let step = 0; step < steps; step += together) {
    yield makeStage(order, share, step, Math.min(steps, step + together), numbers);
  }
}

function makeStage(order: LineOrder, share: Share, firstStep: number, endStep: number, numbers: Uint32Array): Stage {
  const { ordinals, recordAt } = order;
  const { records } = ordinals;
  const { from, to } = rowsOf(share.rank, share.worldSize, share.globalBatchSize);
  const rowsPerStep = to - from;
  const steps = endStep - firstStep;
  const begin = share.consumed + firstStep * share.globalBatchSize + from;
  const line = { begin, stride: share.globalBatchSize, steps, rowsPerStep, numbers };
  const mask = new Uint8Array(steps * rowsPerStep).fill(1);
  const common = { firstStep, steps, rowsPerStep, mask };
  const end = begin + (steps - 1) * line.stride + rowsPerStep;
  if (recordAt === undefined && end <= records) return { ...common, ...inOrder(line, ordinals) };
  const wanted = new Float64Array(steps * rowsPerStep);
  for (let step = 0, row = 0; step < steps; step++) {
    for (let j = 0; j < rowsPerStep; j++, row++) {
      const place = begin + step * line.stride + j;
      if (place >= records) mask[row] = 0;
      const wrapped = place < records ? place : (place - records) % records;
      wanted[row] = recordAt === undefined ? wrapped : recordAt(wrapped);
    }
  }
  return { ...common, ...gather(wanted, ordinals) };
}

interface Line {
  readonly begin: number;
  readonly stride: number;
  readonly steps: number;
  readonly rowsPerStep: number;
  /** 0, 1, 2 and so on, as many as a stage has rows. */
  readonly numbers: Uint32Array;
}

/** As `gather`, of stretches in the dataset's own order, one behind the other: no row is looked at. */
function inOrder(
  { begin, stride, steps, rowsPerStep, numbers }: Line,
  ordinals: Ordinals,
): Pick<Stage, 'runs' | 'rows'> {
  const spans = new Spans();
  for (let step = 0; step < steps; step++) spans.add(begin + step * stride, rowsPerStep);
  return { runs: spans.toRuns(ordinals).runs, rows: numbers.slice(0, steps * rowsPerStep) };
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

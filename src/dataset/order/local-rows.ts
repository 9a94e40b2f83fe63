import type { LaneWindows, WindowOrder } from './lane-window.js';
import { rowsOf, type Share } from './share.js';

/** The ranks that a record lies near to, by its ordinal; none: it is as far from all. */
export type NearRanks = (ordinal: number) => readonly number[];

/**
 * The rows of the global batches that a rank takes where ranks are given what lies near to them: of each step as many as it would
 * have otherwise, [steps x rows a rank], ascending in each step. Undefined where nothing is known of nearness. Each piece of a window
 * goes to one of the ranks that it is near to; what is too much for a rank in a step goes to those that have too little.
 * Every rank works out the same for all ranks.
 */
export function localRows(
  { blocks }: WindowOrder,
  windows: LaneWindows,
  { near, rank, worldSize, globalBatchSize }: Share,
  { begin, steps }: { begin: number; steps: number },
): Uint32Array | undefined {
  if (near === undefined) return undefined;
  const laneRows = globalBatchSize / blocks.lanes;
  const loads = new Float64Array(worldSize);
  const room = Uint32Array.from({ length: worldSize }, (_, r) => {
    const { from, to } = rowsOf(r, worldSize, globalBatchSize);
    return to - from;
  });
  const mine = new Uint32Array(steps * room[rank]!);
  const left = new Uint32Array(worldSize);
  const over = new Uint32Array(globalBatchSize);
  let owned = 0;
  for (let step = 0; step < steps; step++) {
    left.set(room);
    let used = step * room[rank]!;
    let overs = 0;
    for (let row = 0; row < globalBatchSize; row++) {
      const lane = Math.floor(row / laneRows);
      const place = begin + step * laneRows + row - lane * laneRows;
      let owner = -1;
      if (place < blocks.sizeOf(lane)) {
        const window = windows.at(lane, place);
        for (; owned < windows.all.length; owned++) shareOut(windows.all[owned]!, near, loads);
        owner = window.ownerAt(place);
      }
      if (owner < 0 || left[owner] === 0) over[overs++] = row;
      else {
        left[owner]! -= 1;
        if (owner === rank) mine[used++] = row;
      }
    }
    for (let i = 0, next = 0; i < overs; i++) {
      while (left[next] === 0) next++;
      left[next]! -= 1;
      if (next === rank) mine[used++] = over[i]!;
    }
    mine.subarray(step * room[rank]!, used).sort();
  }
  return mine;
}

/** Gives each piece of a window to that of its ranks which has the fewest records so far. */
function shareOut(window: LaneWindows['all'][number], near: NearRanks, loads: Float64Array): void {
  window.pieces.forEach(({ start, count }, i) => {
    let owner = -1;
    for (const rank of near(start)) if (owner < 0 || loads[rank]! < loads[owner]!) owner = rank;
    if (owner < 0) return;
    window.owners[i] = owner;
    loads[owner]! += count;
  });
}

import type { Ordinals } from './ordinals.js';
import type { Run } from './stage.js';

/**
 * Gathers the stretches of records that the rows of a stage come from, in any order and overlapping, and makes ascending runs of
 * them. A row is named by its span and its place in it until then.
 */
export class Spans {
  #starts: number[] = [];
  #counts: number[] = [];

  /** Adds the records [start, start + count) of the dataset; gives the span's number. */
  add(start: number, count: number): number {
    this.#starts.push(start);
    return this.#counts.push(count) - 1;
  }

  /** The runs, and for each span where its first record stands among the records of all runs. */
  toRuns(ordinals: Ordinals): { runs: Run[]; places: Float64Array } {
    const starts = this.#starts;
    const counts = this.#counts;
    const order = starts.map((_, i) => i).sort((a, b) => starts[a]! - starts[b]!);
    const places = new Float64Array(starts.length);
    const runs: Run[] = [];
    let done = 0;
    for (let i = 0; i < order.length; ) {
      const start = starts[order[i]!]!;
      let end = start;
      for (; i < order.length && starts[order[i]!]! <= end; i++) {
        const span = order[i]!;
        places[span] = done + starts[span]! - start;
        end = Math.max(end, starts[span]! + counts[span]!);
      }
      addRuns(runs, ordinals, start, end);
      done += end - start;
    }
    return { runs, places };
  }
}

/** A stretch of the dataset as runs, one for each part that it goes through. */
function addRuns(runs: Run[], ordinals: Ordinals, start: number, end: number): void {
  let at = start;
  for (let part = ordinals.partOf(start); at < end; part++) {
    const count = Math.min(end, ordinals.startOf(part + 1)) - at;
    if (count > 0) runs.push({ part, first: at - ordinals.startOf(part), count });
    at += count;
  }
}

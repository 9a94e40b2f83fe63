import { ChunkWork, type WorkPlan } from './chunk-work.js';
import { type Records, type RecordsRun, sliceRecords } from './records-run.js';
import type { Source } from './source.js';

/**
 * Makes records again from a source that can be read again: remembers how many records of each target came before each
 * piece of it.
 */
export class Rerun {
  readonly #again: NonNullable<Source['again']>;
  readonly #plan: WorkPlan;
  /** Ordinals of the pieces' first rows. */
  readonly #rows: number[] = [];
  /** For each piece, how many records of each target were before it. */
  readonly #before: number[][] = [];
  #counts: number[] = [];

  constructor(again: NonNullable<Source['again']>, plan: WorkPlan) {
    this.#again = again;
    this.#plan = { ...plan, statistics: false };
  }

  /** Takes note of a piece that was done, in order, before its records are used. */
  note(firstRow: number, runs: readonly RecordsRun[]): void {
    this.#rows.push(firstRow);
    this.#before.push(this.#counts);
    this.#counts = [...this.#counts];
    for (const { target, meta } of runs) this.#counts[target] = (this.#counts[target] ?? 0) + meta.length / 2;
  }

  /** The records of a target from one on that was there already. Bad rows are passed over: they were dealt with. */
  again(target: number, from: number): AsyncGenerator<Records> {
    const before = (piece: number): number => this.#before[piece]![target] ?? 0;
    let piece = 0;
    for (let above = this.#rows.length; above - piece > 1; ) {
      const middle = (piece + above) >> 1;
      if (before(middle) <= from) piece = middle;
      else above = middle;
    }
    return sliceRecords(this.#made(target, this.#rows[piece]!), from - before(piece));
  }

  async *#made(target: number, firstRow: number): AsyncGenerator<Records> {
    const work = new ChunkWork(this.#plan);
    for await (const { task, check } of this.#again(firstRow)) {
      const { result } = work.run(task);
      check?.(result);
      const run = result.runs.find((found) => found.target === target);
      if (run !== undefined) yield run;
    }
  }
}

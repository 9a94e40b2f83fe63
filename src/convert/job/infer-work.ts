import { Kernel } from '../../records/kernel/kernel.js';
import type { BadRow } from '../csv/bad-row.js';
import { type InferenceState, mergeInference } from '../csv/inference.js';
import { type ChunkPlace, CsvInferrer, type InferenceDetail } from '../csv/inferrer.js';
import type { RowPlan } from '../csv/row-reader.js';

/** A chunk of CSV rows to look at; or the wish for what all of them said. */
export type InferTask =
  | {
      readonly kind: 'infer';
      readonly plan: number;
      readonly bytes: Uint8Array;
      readonly place: ChunkPlace;
      readonly maxRows?: number;
    }
  | { readonly kind: 'take' };

export interface InferResult {
  /** Good rows. */
  readonly rows: number;
  readonly bad: readonly BadRow[];
  /** Only of a `take` task, where there was any chunk. */
  readonly state?: InferenceState;
}

/** All that a worker needs to know before its first chunk; structured-cloneable. */
export interface InferPlan {
  /** One for each distinct header of the input files. */
  readonly rows: readonly RowPlan[];
  readonly detail: InferenceDetail;
}

/** Looks at chunks of CSV rows. No I/O: it runs in any thread. */
export class InferWork {
  readonly #plan: InferPlan;
  readonly #inferrers = new Map<number, CsvInferrer>();

  constructor(plan: InferPlan) {
    this.#plan = plan;
  }

  run(task: InferTask): { result: InferResult; transfer: ArrayBuffer[] } {
    if (task.kind === 'take') return { result: this.#take(), transfer: [] };
    let inferrer = this.#inferrers.get(task.plan);
    if (inferrer === undefined) {
      inferrer = new CsvInferrer(new Kernel(), this.#plan.rows[task.plan]!, this.#plan.detail);
      this.#inferrers.set(task.plan, inferrer);
    }
    return { result: inferrer.add(task.bytes, task.place, task.maxRows), transfer: [] };
  }

  #take(): InferResult {
    const states = [...this.#inferrers].sort(([a], [b]) => a - b).map(([, inferrer]) => inferrer.take());
    const nothing = { rows: 0, bad: [] };
    return states.length === 0 ? nothing : { ...nothing, state: states.reduce(mergeInference) };
  }
}

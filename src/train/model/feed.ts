import type { Batch } from '../../records/batch.js';
import type { Evaluation, StepSums } from '../step-model.js';
import { ChosenRows } from './chosen-rows.js';
import { labelWidth, readLabels, readWeights } from './labels.js';
import type { ModelPlan } from './model-plan.js';
import type { Network } from './network.js';

/** Puts rows of batches into a network, and takes what came of them out. */
export class Feed {
  readonly #plan: ModelPlan;
  readonly #build: (capacity: number) => Network;
  readonly #chosen = new ChosenRows();
  #network: Network | undefined;

  /** @param build makes the network for so many rows, a multiple of 4; anew for a batch that does not fit */
  constructor(plan: ModelPlan, build: (capacity: number) => Network) {
    this.#plan = plan;
    this.#build = build;
  }

  /** Copies the inputs of those rows that count, from row `from` to before `to`. @throws as readNumbers */
  loadInputs(batch: Batch, firstRow: number, from: number, to: number): { network: Network; rows: number } {
    const chosen = this.#chosen;
    chosen.choose(batch, firstRow, from, to);
    const network = this.#networkFor(chosen.count);
    network.rowNumbers.set(chosen.rowNumbers.subarray(0, chosen.count));
    for (const [i, { inputs }] of this.#plan.towers.entries()) {
      const { values, stride } = network.inputs[i]!;
      chosen.read(batch, inputs, values, stride);
    }
    return { network, rows: chosen.count };
  }

  /** The same, with labels and weights, and the sum of these. @throws as readLabels and readWeights */
  load(batch: Batch, firstRow: number, from: number, to: number): { network: Network; rows: number; weight: number } {
    const loaded = this.loadInputs(batch, firstRow, from, to);
    const { rows, count } = this.#chosen;
    const { labels, weights } = loaded.network;
    readLabels(batch, this.#plan, rows, count, labels);
    return { ...loaded, weight: readWeights(batch, this.#plan, rows, count, labels, weights) };
  }

  predictions(size: number, to?: Float32Array): Float32Array {
    const { values, stride, width } = this.#network!.outputs;
    return this.#chosen.spread(values, stride, width, size, to);
  }

  /** What became of the rows, at their places in a batch of `size` rows: in new arrays, or those given. */
  evaluation({ loss, weight }: StepSums, size: number, to?: Evaluation): Evaluation {
    const { labels, weights } = this.#network!;
    const width = labelWidth(this.#plan);
    return {
      loss,
      weight,
      predictions: this.predictions(size, to?.predictions),
      labels: this.#chosen.spread(labels, width, width, size, to?.labels),
      weights: this.#chosen.spread(weights, 1, 1, size, to?.weights),
    };
  }

  #networkFor(rows: number): Network {
    const held = this.#network?.capacity ?? 0;
    if (this.#network === undefined || rows > held) {
      this.#network = this.#build((Math.max(rows, held * 2, 4) + 3) & ~3);
    }
    return this.#network;
  }
}

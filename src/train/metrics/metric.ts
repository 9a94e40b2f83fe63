import type { Evaluation } from '../step-model.js';

/**
 * A figure that is made of counts, which add up over batches and ranks: so it is exact, however rows are divided. Rows of weight 0 count
 * nothing, whatever stands in them.
 */
export interface Metric {
  readonly name: string;
  /** How many float64 counts it needs; they begin as 0. */
  readonly size: number;
  /** Adds a batch to the counts. */
  update(counts: Float64Array, evaluation: Evaluation): void;
  /** 0 where nothing was counted. */
  result(counts: Float64Array): number;
}

/** total / count, and 0 where there is nothing to divide by, as TensorFlow's divide_no_nan. */
export function ratio(total: number, count: number): number {
  return count === 0 ? 0 : total / count;
}

/** How many numbers the model gives a row. */
export function outputsOf({ predictions, weights }: Evaluation): number {
  return weights.length === 0 ? 0 : predictions.length / weights.length;
}

/** A weighted mean over rows of `value(evaluation, row, outputs)`. */
export function meanOverRows(
  name: string,
  value: (evaluation: Evaluation, row: number, outputs: number) => number,
): Metric {
  return {
    name,
    size: 2,
    update(counts, evaluation) {
      const { weights } = evaluation;
      const outputs = outputsOf(evaluation);
      for (let row = 0; row < weights.length; row++) {
        const weight = weights[row]!;
        if (weight === 0) continue;
        counts[0]! += weight * value(evaluation, row, outputs);
        counts[1]! += weight;
      }
    },
    result: ([total, weight]) => ratio(total!, weight!),
  };
}

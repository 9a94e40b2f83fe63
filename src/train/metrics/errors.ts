import type { Evaluation } from '../step-model.js';
import { type Metric, meanOverRows } from './metric.js';

/** The mean absolute error. keras.metrics.MeanAbsoluteError */
export function meanAbsoluteError(): Metric {
  return meanOverRows('mae', (evaluation, row, outputs) => meanOf(evaluation, row, outputs, Math.abs));
}

/** The mean squared error. keras.metrics.MeanSquaredError */
export function meanSquaredError(): Metric {
  return meanOverRows('mse', (evaluation, row, outputs) => meanOf(evaluation, row, outputs, (error) => error * error));
}

/** Probabilities this near to 0 and 1 are taken for being so near, as Keras does: no loss is infinite. */
const EPSILON = Math.fround(1e-7);

/** Binary cross-entropy of probabilities: keras.metrics.BinaryCrossentropy. */
export function logLoss(): Metric {
  return meanOverRows('logLoss', ({ predictions, labels }, row, outputs) => {
    let total = 0;
    for (let at = row * outputs; at < (row + 1) * outputs; at++) {
      const p = clipped(predictions[at]!);
      const label = labels[at]!;
      total -= label * Math.log(p) + (1 - label) * Math.log1p(-p);
    }
    return total / outputs;
  });
}

/** Cross-entropy of the probabilities of classes, which are scaled to the sum 1; labels are classes, or as many as outputs. */
export function crossEntropy(): Metric {
  return meanOverRows('crossEntropy', ({ predictions, labels, weights }, row, outputs) => {
    const first = row * outputs;
    const sum = predictions.subarray(first, first + outputs).reduce((total, value) => total + value, 0);
    const lossOf = (at: number): number => -Math.log(clipped(predictions[first + at]! / sum));
    if (labels.length === weights.length) return lossOf(labels[row]!);
    let total = 0;
    for (let at = 0; at < outputs; at++) if (labels[first + at] !== 0) total += labels[first + at]! * lossOf(at);
    return total;
  });
}

function clipped(probability: number): number {
  return Math.min(Math.fround(1 - EPSILON), Math.max(EPSILON, probability));
}

function meanOf(
  { predictions, labels }: Evaluation,
  row: number,
  outputs: number,
  of: (error: number) => number,
): number {
  let total = 0;
  for (let at = row * outputs; at < (row + 1) * outputs; at++) total += of(predictions[at]! - labels[at]!);
  return total / outputs;
}

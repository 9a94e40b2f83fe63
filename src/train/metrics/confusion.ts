import { checkOptions, Kinds } from '../../dataset/known-options.js';
import type { Evaluation } from '../step-model.js';
import { type Metric, outputsOf, ratio } from './metric.js';

/** How much of what is above the threshold (default 0.5) is positive. keras.metrics.Precision */
export function precision(options: { threshold?: number } = {}): Metric {
  checkOptions('precision()', options, { threshold: Kinds.number });
  const { threshold = 0.5 } = options;
  return {
    name: 'precision',
    size: 2,
    update(counts, evaluation) {
      eachOutput(evaluation, (prediction, label, weight) => {
        if (prediction > threshold) counts[label === 0 ? 1 : 0]! += weight;
      });
    },
    result: ([right, wrong]) => ratio(right!, right! + wrong!),
  };
}

/** How much of what is positive is above the threshold (default 0.5). keras.metrics.Recall */
export function recall(options: { threshold?: number } = {}): Metric {
  checkOptions('recall()', options, { threshold: Kinds.number });
  const { threshold = 0.5 } = options;
  return {
    name: 'recall',
    size: 2,
    update(counts, evaluation) {
      eachOutput(evaluation, (prediction, label, weight) => {
        if (label !== 0) counts[prediction > threshold ? 0 : 1]! += weight;
      });
    },
    result: ([found, missed]) => ratio(found!, found! + missed!),
  };
}

/**
 * The area under the ROC curve by trapezoids between `thresholds` points (default 200): keras.metrics.AUC. Per interval of thresholds
 * the weights of positives and negatives are counted, so it is exact over ranks.
 */
export function auc(options: { thresholds?: number } = {}): Metric {
  checkOptions('auc()', options, { thresholds: Kinds.positive });
  const { thresholds = 200 } = options;
  return {
    name: 'auc',
    size: 2 * thresholds,
    update(counts, evaluation) {
      eachOutput(evaluation, (prediction, label, weight) => {
        const clipped = Math.min(1, Math.max(0, prediction));
        const bucket = Math.max(0, Math.ceil(Math.fround(clipped * (thresholds - 1))) - 1);
        counts[(label === 0 ? thresholds : 0) + bucket]! += weight;
      });
    },
    result(counts) {
      const positives = counts.subarray(0, thresholds);
      const negatives = counts.subarray(thresholds);
      let above = 0;
      let area = 0;
      for (let i = thresholds - 1; i >= 0; i--) {
        area += negatives[i]! * (above + positives[i]! / 2);
        above += positives[i]!;
      }
      return ratio(area, above * negatives.reduce((total, value) => total + value, 0));
    },
  };
}

/** Every output of every row that counts. */
function eachOutput(evaluation: Evaluation, use: (prediction: number, label: number, weight: number) => void): void {
  const { predictions, labels, weights } = evaluation;
  const outputs = outputsOf(evaluation);
  for (let row = 0; row < weights.length; row++) {
    const weight = weights[row]!;
    if (weight === 0) continue;
    for (let at = row * outputs; at < (row + 1) * outputs; at++) use(predictions[at]!, labels[at]!, weight);
  }
}

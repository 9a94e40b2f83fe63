import { checkOptions, Kinds } from '../../dataset/known-options.js';
import { type Metric, meanOverRows } from './metric.js';

/** The share of outputs on the right side of the threshold (default 0.5, which is not above itself). keras.metrics.BinaryAccuracy */
export function binaryAccuracy(options: { threshold?: number } = {}): Metric {
  checkOptions('binaryAccuracy()', options, { threshold: Kinds.number });
  const { threshold = 0.5 } = options;
  return meanOverRows('binaryAccuracy', ({ predictions, labels }, row, outputs) => {
    let right = 0;
    for (let at = row * outputs; at < (row + 1) * outputs; at++) {
      if (labels[at] === Number(predictions[at]! > threshold)) right++;
    }
    return right / outputs;
  });
}

/** The share of rows whose largest output is that of the largest label. keras.metrics.CategoricalAccuracy */
export function categoricalAccuracy(): Metric {
  return meanOverRows('categoricalAccuracy', ({ predictions, labels }, row, outputs) =>
    Number(largest(predictions, row, outputs) === largest(labels, row, outputs)),
  );
}

/** The share of rows whose largest output is the label's. keras.metrics.SparseCategoricalAccuracy */
export function sparseCategoricalAccuracy(): Metric {
  return meanOverRows('sparseCategoricalAccuracy', ({ predictions, labels }, row, outputs) =>
    Number(largest(predictions, row, outputs) === labels[row]),
  );
}

/** One of these three, by what the labels are: one number a row of one output, one a row of several, or as many as outputs. */
export function accuracy(): Metric {
  const binary = binaryAccuracy();
  const categorical = categoricalAccuracy();
  const sparse = sparseCategoricalAccuracy();
  return {
    name: 'accuracy',
    size: binary.size,
    update(counts, evaluation) {
      const { predictions, labels, weights } = evaluation;
      const kind =
        predictions.length === weights.length ? binary : labels.length === weights.length ? sparse : categorical;
      kind.update(counts, evaluation);
    },
    result: binary.result,
  };
}

/** The first of the largest, from 0. */
function largest(values: Float32Array, row: number, outputs: number): number {
  const first = row * outputs;
  let best = first;
  for (let at = first + 1; at < first + outputs; at++) if (values[at]! > values[best]!) best = at;
  return best - first;
}

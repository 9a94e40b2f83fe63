export { accuracy, binaryAccuracy, categoricalAccuracy, sparseCategoricalAccuracy } from './accuracy.js';
export { auc, precision, recall } from './confusion.js';
export { crossEntropy, logLoss, meanAbsoluteError, meanSquaredError } from './errors.js';
export type { Metric } from './metric.js';
export { MetricCounts, type MetricName } from './metric-counts.js';

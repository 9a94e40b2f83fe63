import { ShardfeedError } from '../../errors.js';
import { put } from '../../own-properties.js';
import type { ProcessGroup } from '../collective/process-group.js';
import type { Evaluation, StepSums } from '../step-model.js';
import { accuracy, binaryAccuracy, categoricalAccuracy, sparseCategoricalAccuracy } from './accuracy.js';
import { auc, precision, recall } from './confusion.js';
import { crossEntropy, logLoss, meanAbsoluteError, meanSquaredError } from './errors.js';
import { type Metric, ratio } from './metric.js';

const BY_NAME = {
  accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  precision,
  recall,
  auc,
  logLoss,
  crossEntropy,
  mae: meanAbsoluteError,
  mse: meanSquaredError,
} as const;

export type MetricName = keyof typeof BY_NAME;

/** The counts of the loss and of metrics: kept on each rank, added up over the ranks when they are asked for. */
export class MetricCounts {
  readonly #metrics: readonly Metric[];
  /** What they are made of; for checkpoints. */
  readonly counts: Float64Array;
  /** Whose they are, in their order. */
  readonly parts: readonly { readonly name: string; readonly size: number }[];

  /** @throws SHARDFEED_USAGE for an unknown name, or one that is there twice */
  constructor(metrics: readonly (MetricName | Metric)[]) {
    this.#metrics = metrics.map((metric) => (typeof metric === 'string' ? metricOf(metric) : metric));
    this.parts = [{ name: 'loss', size: 2 }, ...this.#metrics.map(({ name, size }) => ({ name, size }))];
    const names = this.parts.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new ShardfeedError('SHARDFEED_USAGE', `two metrics have the name ${twice}`);
    this.counts = new Float64Array(this.parts.reduce((sum, { size }) => sum + size, 0));
  }

  /** Whether there are metrics besides the loss. */
  get hasMetrics(): boolean {
    return this.#metrics.length > 0;
  }

  /** Counts the loss only. */
  add({ loss, weight }: StepSums): void {
    this.counts[0]! += loss;
    this.counts[1]! += weight;
  }

  /** Counts the loss and all metrics. */
  update(evaluation: Evaluation): void {
    this.add(evaluation);
    this.updateMetrics(evaluation);
  }

  /** Counts all metrics, but not the loss. */
  updateMetrics(evaluation: Evaluation): void {
    let at = 2;
    for (const metric of this.#metrics) {
      metric.update(this.counts.subarray(at, at + metric.size), evaluation);
      at += metric.size;
    }
  }

  /** The figures over all ranks, by name; every rank calls this. The counts of this rank stay as they are. */
  async results(group: ProcessGroup): Promise<Record<string, number>> {
    const counts = await group.allReduce(this.counts.slice());
    const results: Record<string, number> = { loss: ratio(counts[0]!, counts[1]!) };
    let at = 2;
    for (const { name, size, result } of this.#metrics) {
      put(results, name, result(counts.subarray(at, at + size)));
      at += size;
    }
    return results;
  }

  reset(): void {
    this.counts.fill(0);
  }
}

function metricOf(name: string): Metric {
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name as MetricName]();
  const what = `there is no metric ${JSON.stringify(name)}: there are ${Object.keys(BY_NAME).join(', ')}`;
  throw new ShardfeedError('SHARDFEED_USAGE', what);
}

import { checkOptions, Kinds, type OptionKinds } from '../../dataset/known-options.js';
import type { ProcessGroup } from '../collective/process-group.js';
import { MetricCounts, type MetricName } from '../metrics/index.js';
import type { Metric } from '../metrics/metric.js';
import type { StepModel } from '../step-model.js';
import { withMeanState } from './averaged-state.js';
import { DATA_OPTIONS } from './fit-options.js';
import { endOf, RankBatches } from './rank-batches.js';
import { type OpenedData, openData, type ReadOptions, type TrainData } from './train-data.js';

export interface EvaluateOptions extends TrainData {
  readonly model: StepModel;
  readonly group: ProcessGroup;
  readonly metrics?: readonly (MetricName | Metric)[];
  readonly signal?: AbortSignal;
}

const EVALUATE_OPTIONS: OptionKinds<EvaluateOptions> = {
  ...DATA_OPTIONS,
  model: true,
  group: true,
  metrics: true,
  signal: Kinds.signal,
};

/** Data that is only looked at is read in its own order. */
export const UNSHUFFLED: ReadOptions = { shuffle: false };

/**
 * The mean loss over the rows of all ranks and the metrics, by name; every rank calls it and gets the same. The model has the mean of the
 * ranks' moving statistics meanwhile.
 */
export async function evaluate(options: EvaluateOptions): Promise<Record<string, number>> {
  const { model, group, metrics = [], signal } = options;
  checkOptions('evaluate', options, EVALUATE_OPTIONS);
  const data = openData('evaluate', options, group.worldSize, UNSHUFFLED);
  return evaluateData(group, model, data, metrics, endOf(group, signal));
}

export async function evaluateData(
  group: ProcessGroup,
  model: StepModel,
  { source }: OpenedData,
  metrics: readonly (MetricName | Metric)[],
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const { rank, worldSize } = group;
  const counts = new MetricCounts(metrics);
  return withMeanState(group, model, async () => {
    await using batches = new RankBatches((end) => source({ rank, worldSize, epoch: 0, signal: end }), signal);
    for (let batch = await batches.take(); batch !== undefined; batch = await batches.take()) {
      counts.update(await model.evaluate(batch));
    }
    const { loss, ...rest } = await counts.results(group);
    // Adds to gradients that nobody will look at before the next step overwrites them.
    return { loss: loss! + (model.regularize?.() ?? 0), ...rest };
  });
}

import { ShardfeedError } from '../../errors.js';
import type { Batch, FixedColumn } from '../../records/batch.js';
import { readNumbers } from './column-reader.js';
import type { LossName } from './spec.js';

/** What says which labels and weights a row has. */
export interface LabelPlan {
  readonly labels: readonly string[];
  readonly sampleWeights?: string;
  readonly classWeights?: readonly number[];
  readonly loss: LossName | 'custom';
  readonly outputs: number;
  /** Labels a row, for a custom loss. */
  readonly width?: number;
}

/** How many labels a row has: as many as outputs, or one class, or what a custom loss takes. */
export function labelWidth({ loss, outputs, width }: Pick<LabelPlan, 'loss' | 'outputs' | 'width'>): number {
  return width ?? (loss === 'sparseCategoricalCrossentropy' ? 1 : outputs);
}

/**
 * Copies the labels of chosen rows, side by side.
 * @throws as readNumbers; SHARDFEED_RANGE for what is no class or no probability, SHARDFEED_SCHEMA_MISMATCH where there are more or fewer than the model's outputs
 */
export function readLabels(batch: Batch, plan: LabelPlan, rows: Int32Array, count: number, values: Float32Array): void {
  const { labels, loss, outputs } = plan;
  const stride = labelWidth(plan);
  // A column that has no shape is refused by readNumbers.
  const widths = labels.map((name) => widthOf((batch.columns[name] as FixedColumn | undefined)?.shape ?? [stride]));
  const width = widths.reduce((sum, one) => sum + one, 0);
  if (width !== stride) {
    const wants = loss === 'sparseCategoricalCrossentropy' ? 'one class' : `${stride} labels`;
    const what = `${loss} of this model wants ${wants} a row, the label columns ${labels.join(', ')} have ${width}`;
    throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', what, { column: labels[0] });
  }
  let offset = 0;
  for (const [i, name] of labels.entries()) {
    readNumbers(batch, name, widths[i]!, rows, count, { values, offset, stride });
    offset += widths[i]!;
  }
  if (loss === 'binaryCrossentropy') refuseNoProbability(plan, rows, values.subarray(0, count * stride), stride);
  if (loss !== 'sparseCategoricalCrossentropy') return;
  for (let i = 0; i < count; i++) {
    const label = values[i]!;
    if (Number.isInteger(label) && label >= 0 && label < outputs) continue;
    const what = `label ${JSON.stringify(labels[0])} is ${label} in row ${rows[i]} of the batch; classes are 0 to ${outputs - 1}`;
    throw new ShardfeedError('SHARDFEED_RANGE', what, { column: labels[0] });
  }
}

/** Outside of 0 to 1 the loss has no lower bound, and training runs away. */
function refuseNoProbability({ labels }: LabelPlan, rows: Int32Array, values: Float32Array, stride: number): void {
  for (let i = 0; i < values.length; i++) {
    const label = values[i]!;
    if (label >= 0 && label <= 1) continue;
    const row = rows[Math.floor(i / stride)];
    const what = `a label of ${labels.join(', ')} is ${label} in row ${row} of the batch; binaryCrossentropy takes 0 to 1`;
    throw new ShardfeedError('SHARDFEED_RANGE', what, { column: labels[0] });
  }
}

/** Fills the weights of chosen rows; their sum. @throws SHARDFEED_RANGE for weights below 0, and labels that have no class weight */
export function readWeights(
  batch: Batch,
  plan: LabelPlan,
  rows: Int32Array,
  count: number,
  labels: Float32Array,
  weights: Float32Array,
): number {
  const { sampleWeights, classWeights } = plan;
  if (sampleWeights === undefined) weights.fill(1, 0, count);
  else readNumbers(batch, sampleWeights, 1, rows, count, { values: weights, offset: 0, stride: 1 });
  if (classWeights !== undefined) {
    for (let i = 0; i < count; i++) {
      const factor = classWeights[labels[i]!];
      if (factor === undefined) {
        const what = `label ${JSON.stringify(plan.labels[0])} is ${labels[i]} in row ${rows[i]} of the batch, which has no class weight`;
        throw new ShardfeedError('SHARDFEED_RANGE', what, { column: plan.labels[0] });
      }
      weights[i] = weights[i]! * factor;
    }
  }
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!;
    if (weight < 0) {
      const what = `column ${JSON.stringify(sampleWeights)} is ${weight} in row ${rows[i]} of the batch; weights are 0 or more`;
      throw new ShardfeedError('SHARDFEED_RANGE', what, { column: sampleWeights });
    }
    sum += weight;
  }
  return sum;
}

function widthOf(shape: unknown): number {
  return Array.isArray(shape) ? shape.reduce((product: number, length: number) => product * length, 1) : 1;
}

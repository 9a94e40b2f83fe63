import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { ShardfeedError } from '../../../errors.js';
import type { Batch } from '../../../records/batch.js';
import type { ProcessGroup } from '../../collective/process-group.js';
import { flatBuffer, layOut, type ParameterLayout } from '../../parameters.js';
import type { Evaluation, StepContext, StepModel, StepSums } from '../../step-model.js';
import { ChosenRows } from '../chosen-rows.js';
import { type LabelPlan, labelWidth, readLabels, readWeights } from '../labels.js';
import type { LossName } from '../spec.js';
import { explainFailure } from './check-layers.js';
import type { TfInput } from './inputs.js';
import type { Tf } from './load-tf.js';
import { type RowLoss, rowLoss } from './losses.js';
import { allLayers, type Layer, patchLayers, type TfRun } from './patch-layers.js';

export interface TfModelPlan {
  readonly loss: LossName | RowLoss;
  readonly labels: readonly string[];
  /** Labels a row, for a loss that is a function. Default: as many as outputs. */
  readonly width?: number | undefined;
  readonly sampleWeights?: string | undefined;
  readonly classWeights?: readonly number[] | undefined;
  readonly batchNorm: 'local' | 'sync';
  /** Groups of parameters, by layer. */
  readonly optimizers: Readonly<Record<string, string>>;
}

const NONE = new Float32Array(0);
const NOTHING: Evaluation = { loss: 0, weight: 0, predictions: NONE, labels: NONE, weights: NONE };

/** What a weight is called: by its layer and role, whatever else was made before it in this process. */
export function weightName({ originalName }: tfjs.LayerVariable): string {
  return originalName;
}

/** A tf.LayersModel whose step runs in TensorFlow.js. */
export class TfModel implements StepModel {
  readonly backend: string;
  readonly collective: boolean;
  readonly layout: ParameterLayout;
  readonly stateLayout: ParameterLayout;
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  readonly state: Float32Array;
  /** Present where layers have regularisers. */
  readonly regularize?: () => number;
  readonly #tf: Tf;
  readonly #model: tfjs.LayersModel;
  readonly #inputs: readonly TfInput[];
  readonly #labels: LabelPlan;
  readonly #rowLoss: RowLoss;
  readonly #trained: readonly tfjs.LayerVariable[];
  readonly #untrained: readonly tfjs.LayerVariable[];
  readonly #layers: readonly Layer[];
  readonly #restore: () => void;
  readonly #reduce: ((sums: Float64Array) => void) | undefined;
  readonly #chosen = new ChosenRows();
  #last: Evaluation = NOTHING;
  #lastSize = 0;
  #run: TfRun = { rows: 0, rowNumbers: new Uint32Array(0), seed: 0, step: 0, empty: false };

  /** @throws SHARDFEED_UNSUPPORTED naming a layer that the backend cannot train, or whose randomness is its own */
  constructor(
    tf: Tf,
    model: tfjs.LayersModel,
    inputs: readonly TfInput[],
    plan: TfModelPlan,
    { memory, allReduceSync }: Pick<ProcessGroup, 'memory' | 'allReduceSync'>,
  ) {
    const { outputShape } = model;
    if (model.outputs.length !== 1) {
      throw new ShardfeedError(
        'SHARDFEED_USAGE',
        `a model with ${model.outputs.length} outputs needs a step of its own`,
      );
    }
    const [, ...rest] = outputShape as (number | null)[];
    const outputs = rest.reduce<number>((product, length) => product * (length ?? 1), 1);
    const { loss, labels, width, sampleWeights, classWeights, batchNorm, optimizers } = plan;
    this.#tf = tf;
    this.backend = tf.getBackend();
    this.collective = batchNorm === 'sync';
    this.#model = model;
    this.#inputs = inputs;
    this.#labels = {
      labels,
      outputs,
      loss: typeof loss === 'string' ? loss : 'custom',
      ...(width !== undefined && { width }),
      ...(sampleWeights !== undefined && { sampleWeights }),
      ...(classWeights !== undefined && { classWeights }),
    };
    this.#rowLoss = typeof loss === 'string' ? rowLoss(tf, loss) : loss;
    this.#layers = allLayers(model.layers);
    const groupOf = (name: string): { group?: string } => {
      const layer = Object.keys(optimizers).find((one) => name.startsWith(`${one}/`));
      return layer === undefined ? {} : { group: optimizers[layer]! };
    };
    const lay = (weights: readonly tfjs.LayerVariable[]): [ParameterLayout, tfjs.LayerVariable[]] => {
      const named = new Map(weights.map((weight) => [weightName(weight), weight]));
      if (named.size < weights.length) {
        throw new ShardfeedError(
          'SHARDFEED_USAGE',
          `layers of a model need different names: ${[...named.keys()].join(', ')}`,
        );
      }
      const layout = layOut(
        [...named].map(([name, { shape }]) => ({ name, shape: shape as number[], ...groupOf(name) })),
      );
      return [layout, layout.parameters.map(({ name }) => named.get(name)!)];
    };
    [this.layout, this.#trained] = lay(model.trainableWeights);
    [this.stateLayout, this.#untrained] = lay(model.nonTrainableWeights);
    this.weights = flatBuffer(memory, this.layout);
    this.gradients = flatBuffer(memory, this.layout);
    this.state = memory.array(Float32Array, this.stateLayout.size);
    this.#read(this.#trained, this.layout, this.weights);
    this.#read(this.#untrained, this.stateLayout, this.state);
    this.#reduce = batchNorm === 'sync' ? (sums) => void allReduceSync(sums) : undefined;
    this.#restore = patchLayers(tf, this.#layers, memory, () => this.#run);
    const losses = this.#layers.flatMap((layer) => layer.losses);
    if (losses.length > 0) this.regularize = () => this.#regularize(losses);
    this.#tryStep();
  }

  step(batch: Batch, { step, seed, firstRow }: StepContext): StepSums {
    this.#chosen.choose(batch, firstRow);
    const { count, rowNumbers } = this.#chosen;
    const reduce = this.#reduce;
    this.#lastSize = batch.size;
    if (count === 0 && reduce === undefined) {
      this.gradients.fill(0);
      this.#last = NOTHING;
      return { loss: 0, weight: 0 };
    }
    this.#run = { rows: count, rowNumbers, seed, step, reduce, empty: count === 0 };
    const { inputs, labels, weights, weight } = this.#load(batch);
    const { loss, predictions } = this.#differentiate(inputs, labels, weights);
    this.#last = { loss, weight, predictions, labels, weights };
    if (this.#untrained.length > 0) this.#read(this.#untrained, this.stateLayout, this.state);
    return { loss, weight };
  }

  /** Of the last step, before anything else was asked of the model: with dropout, and the batch's statistics. */
  lastEvaluation(): Evaluation {
    return this.#spread(this.#last, this.#lastSize);
  }

  changed(): void {
    this.#write(this.#trained, this.layout, this.weights);
    this.#write(this.#untrained, this.stateLayout, this.state);
  }

  predict(batch: Batch): Float32Array {
    this.#chosen.choose(batch, 0);
    const { outputs } = this.#labels;
    if (this.#chosen.count === 0) return new Float32Array(batch.size * outputs);
    const inputs = this.#inputs.map((input) => this.#readInput(batch, input));
    const predictions = this.#tf.tidy(() => this.#apply(this.#tensors(inputs), false).dataSync() as Float32Array);
    return this.#chosen.spread(predictions, outputs, outputs, batch.size);
  }

  evaluate(batch: Batch): Evaluation {
    const tf = this.#tf;
    this.#chosen.choose(batch, 0);
    const { inputs, labels, weights, weight } = this.#load(batch);
    if (this.#chosen.count === 0) return this.#spread(NOTHING, batch.size);
    const [predictions, loss] = tf.tidy(() => {
      const made = this.#apply(this.#tensors(inputs), false);
      const total = this.#weighted(made, labels, weights).dataSync()[0]!;
      return [made.dataSync() as Float32Array, total] as const;
    });
    return this.#spread({ loss, weight, predictions, labels, weights }, batch.size);
  }

  /** Gives the model's layers back what was theirs. Twice is fine. */
  close(): void {
    this.#restore();
  }

  /** Of the chosen rows, at their places in the batch. */
  #spread({ loss, weight, predictions, labels, weights }: Evaluation, size: number): Evaluation {
    const { outputs } = this.#labels;
    const width = labelWidth(this.#labels);
    return {
      loss,
      weight,
      predictions: this.#chosen.spread(predictions, outputs, outputs, size),
      labels: this.#chosen.spread(labels, width, width, size),
      weights: this.#chosen.spread(weights, 1, 1, size),
    };
  }

  /** A step of two rows of zeros, after which all is as before. */
  #tryStep(): void {
    const rows = 2;
    this.#run = { rows, rowNumbers: new Uint32Array(rows), seed: 0, step: 0, empty: false };
    const width = labelWidth(this.#labels);
    try {
      const inputs = this.#inputs.map((input) => new Float32Array(rows * input.width));
      this.#differentiate(inputs, new Float32Array(rows * width), new Float32Array(rows));
    } catch (error) {
      this.#restore();
      throw explainFailure(this.#tf, this.#layers, rows, error);
    }
    this.changed();
    this.gradients.fill(0);
  }

  /** Fills the gradients of the sum of weight x loss, and gives the sum, and the predictions. */
  #differentiate(
    inputs: readonly Float32Array[],
    labels: Float32Array,
    weights: Float32Array,
  ): { loss: number; predictions: Float32Array } {
    const tf = this.#tf;
    return tf.tidy(() => {
      const tensors = this.#tensors(inputs);
      let predictions = new Float32Array(0);
      const loss = (): tfjs.Scalar => {
        const made = this.#apply(tensors, true);
        predictions = made.dataSync() as Float32Array<ArrayBuffer>;
        return this.#weighted(made, labels, weights) as tfjs.Scalar;
      };
      const variables = this.#trained.map((weight) => weight.read() as tfjs.Variable);
      if (variables.length === 0) return { loss: loss().dataSync()[0]!, predictions };
      const { value, grads } = tf.variableGrads(loss, variables);
      for (const [i, { offset, size }] of this.layout.parameters.entries()) {
        const gradient: Tensor | null | undefined = grads[variables[i]!.name];
        // What the loss does not depend on has none.
        if (gradient == null) this.gradients.fill(0, offset, offset + size);
        else this.gradients.set(gradient.dataSync() as Float32Array, offset);
      }
      return { loss: value.dataSync()[0]!, predictions };
    });
  }

  #regularize(losses: readonly (() => tfjs.Scalar)[]): number {
    const tf = this.#tf;
    return tf.tidy(() => {
      const variables = this.#trained.map((weight) => weight.read() as tfjs.Variable);
      const total = (): tfjs.Scalar => losses.map((loss) => loss()).reduce((a, b) => tf.add(a, b));
      const { value, grads } = tf.variableGrads(total, variables);
      for (const [i, { offset, size }] of this.layout.parameters.entries()) {
        const gradient: Tensor | null | undefined = grads[variables[i]!.name];
        if (gradient == null) continue;
        const values = gradient.dataSync();
        for (let j = 0; j < size; j++) this.gradients[offset + j] = this.gradients[offset + j]! + values[j]!;
      }
      return value.dataSync()[0]!;
    });
  }

  /** The sum of weight x loss over the rows. */
  #weighted(predictions: Tensor, labels: Float32Array, weights: Float32Array): Tensor {
    const tf = this.#tf;
    const rows = weights.length;
    const flat = predictions.rank === 2 ? predictions : tf.reshape(predictions, [rows, -1]);
    const each = this.#rowLoss(tf.tensor2d(labels, [rows, labels.length / rows]), flat);
    const own = each.rank > 1 ? tf.mean(tf.reshape(each, [rows, -1]), -1) : each;
    return tf.sum(tf.mul(own, tf.tensor1d(weights)));
  }

  #apply(inputs: Tensor[], training: boolean): Tensor {
    const made = this.#model.apply(inputs.length === 1 ? inputs[0]! : inputs, { training });
    return (Array.isArray(made) ? made[0]! : made) as Tensor;
  }

  #tensors(inputs: readonly Float32Array[]): Tensor[] {
    return inputs.map((values, i) => {
      const { shape, width } = this.#inputs[i]!;
      return this.#tf.tensor(values, [values.length / width, ...shape]);
    });
  }

  #readInput(batch: Batch, { columns, width }: TfInput): Float32Array {
    const values = new Float32Array(Math.max(this.#chosen.count, 1) * width);
    this.#chosen.read(batch, columns, values, width);
    return values;
  }

  /** Of the chosen rows; one row of zeros, without weight, where there are none. */
  #load(batch: Batch): { inputs: Float32Array[]; labels: Float32Array; weights: Float32Array; weight: number } {
    const { rows, count } = this.#chosen;
    const inputs = this.#inputs.map((input) => this.#readInput(batch, input));
    const labels = new Float32Array(Math.max(count, 1) * labelWidth(this.#labels));
    const weights = new Float32Array(Math.max(count, 1));
    readLabels(batch, this.#labels, rows, count, labels);
    const weight = readWeights(batch, this.#labels, rows, count, labels, weights);
    return { inputs, labels, weights, weight };
  }

  #read(variables: readonly tfjs.LayerVariable[], { parameters }: ParameterLayout, values: Float32Array): void {
    for (const [i, { offset }] of parameters.entries()) values.set(variables[i]!.read().dataSync(), offset);
  }

  #write(variables: readonly tfjs.LayerVariable[], { parameters }: ParameterLayout, values: Float32Array): void {
    const tf = this.#tf;
    tf.tidy(() => {
      for (const [i, { offset, size, shape }] of parameters.entries()) {
        const variable = variables[i]!;
        variable.write(tf.tensor(values.slice(offset, offset + size), [...shape]));
        // A constraint may have changed them.
        if ((variable as { constraint?: unknown }).constraint != null) values.set(variable.read().dataSync(), offset);
      }
    });
  }
}

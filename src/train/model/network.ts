import { labelWidth } from './labels.js';
import { activate, activation } from './layers/activation.js';
import { batchNorm } from './layers/batch-norm.js';
import { combine } from './layers/combine.js';
import { dense } from './layers/dense.js';
import { dropout } from './layers/dropout.js';
import { type Layer, type LayerTools, type Matrix, newMatrix, type Run } from './layers/layer.js';
import type { ModelPlan, PlannedLayer } from './model-plan.js';

interface Rows extends Matrix {
  readonly values: Float32Array;
}

/** A plan's layers over buffers for so many rows. */
export interface Network {
  /** Rows of each tower's inputs, to be filled in. */
  readonly inputs: readonly Rows[];
  /** Row-major, without padding: as many a row as there are outputs, or one class. */
  readonly labels: Float32Array;
  /** One a row. */
  readonly weights: Float32Array;
  /** Each row's, in the step's global batch. */
  readonly rowNumbers: Uint32Array;
  /** Rows of the largest batch. */
  readonly capacity: number;
  /** After {@link forward} what goes into the last activation, after {@link loss} or {@link activateOutputs} the predictions. */
  readonly outputs: Rows;
  forward(run: Run): void;
  /** Forward and back in training; the sum of weight x loss. */
  step(rows: number, seed: number, step: number): number;
  activateOutputs(rows: number): void;
  /** Makes predictions of the outputs, and their gradient; the sum of weight x loss. */
  loss(rows: number): number;
  backward(run: Run): void;
}

export function buildNetwork(plan: ModelPlan, tools: LayerTools): Network {
  const { kernel, capacity } = tools;
  const inputs = plan.towers.map(({ width }) => newMatrix(tools, width, false));
  const towers = plan.towers.map(({ layers }, i) => chain(tools, inputs[i]!, layers));
  const ends = towers.map((layers, i) => layers.at(-1)?.output ?? inputs[i]!);
  const combined = ends.length === 1 ? [] : [combine(tools, ends, plan.combine)];
  const head = chain(tools, combined[0]?.output ?? ends[0]!, plan.head);
  const before = [...towers.flat(), ...combined, ...head];
  const last = before.at(-1)?.output ?? inputs[0]!;
  // The last activation works in place.
  const layers = last.kept ? [...before, activation(tools, last, 'linear')] : before;
  const outputs = layers.at(-1)?.output ?? last;
  const labels = tools.floats(tools.alloc(capacity * labelWidth(plan) * 4), capacity * labelWidth(plan));
  const weights = tools.floats(tools.alloc(capacity * 4), capacity);
  const numbers = tools.floats(tools.alloc(capacity * 4), capacity);
  // The loss writes gradients even where nobody wants them.
  const gradient = outputs.gradient || newMatrix(tools, plan.outputs, false).at;
  const backwards = layers.toReversed();
  const contained = plan.loss.endsWith('rossentropy');
  const rowsOf = (matrix: Matrix): Rows => {
    return { ...matrix, values: tools.floats(matrix.at, capacity * matrix.stride) };
  };
  const network: Network = {
    inputs: inputs.map(rowsOf),
    labels,
    weights,
    rowNumbers: new Uint32Array(numbers.buffer, numbers.byteOffset, capacity),
    capacity,
    outputs: rowsOf(outputs),
    forward(run) {
      for (const layer of layers) layer.forward(run);
    },
    activateOutputs(rows) {
      activate(tools, plan.activation, outputs, rows);
    },
    loss(rows) {
      const { at, stride, width } = outputs;
      if (!contained) activate(tools, plan.activation, outputs, rows);
      const common = [at, gradient, stride, labels.byteOffset, weights.byteOffset, rows, width] as const;
      switch (plan.loss) {
        case 'binaryCrossentropy':
          return kernel.binaryCrossentropy!(...common);
        case 'categoricalCrossentropy':
          return kernel.categoricalCrossentropy!(...common, 0);
        case 'sparseCategoricalCrossentropy':
          return kernel.categoricalCrossentropy!(...common, 1);
        case 'meanSquaredError':
          return kernel.meanError!(...common, 0);
        case 'meanAbsoluteError':
          return kernel.meanError!(...common, 1);
      }
    },
    backward(run) {
      if (outputs.gradient === 0) return;
      const { at, stride, width } = outputs;
      if (!contained && plan.activation === 'softmax') {
        kernel.softmaxGradient!(at, gradient, stride, run.rows, width);
      } else if (!contained && plan.activation !== 'linear') {
        kernel[`${plan.activation}Gradient`]!(at, gradient, run.rows * stride);
      }
      for (const layer of backwards) layer.backward(run);
    },
    step(rows, seed, step) {
      const run: Run = { rows, training: true, seed, step, rowNumbers: network.rowNumbers };
      network.forward(run);
      const loss = network.loss(rows);
      network.backward(run);
      return loss;
    },
  };
  return network;
}

function chain(tools: LayerTools, input: Matrix, plans: readonly PlannedLayer[]): Layer[] {
  const layers: Layer[] = [];
  for (const plan of plans) layers.push(layerOf(tools, layers.at(-1)?.output ?? input, plan));
  return layers;
}

function layerOf(tools: LayerTools, input: Matrix, plan: PlannedLayer): Layer {
  switch (plan.type) {
    case 'dense':
      return dense(tools, input, plan);
    case 'batchNormalization':
      return batchNorm(tools, input, plan);
    case 'activation':
      return activation(tools, input, plan.activation);
    case 'dropout':
      return dropout(tools, input, plan);
  }
}

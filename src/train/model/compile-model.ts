import type { Batch } from '../../records/batch.js';
import type { Schema } from '../../records/schema.js';
import type { ProcessGroup } from '../collective/process-group.js';
import type { TrainMemory } from '../kernel/train-memory.js';
import type { ParameterLayout } from '../parameters.js';
import { initialize } from '../random/index.js';
import type { Evaluation, StepContext, StepModel, StepSums } from '../step-model.js';
import { ChosenRows } from './chosen-rows.js';
import { labelWidth, readLabels, readWeights } from './labels.js';
import type { LayerTools, Run } from './layers/layer.js';
import { type ModelPlan, planModel } from './model-plan.js';
import { buildNetwork, type Network } from './network.js';
import { type ModelSpec, parseModelSpec } from './spec.js';

export interface CompileModelOptions {
  /** What the batches hold: says which columns are labels, how wide columns are, and which there are. */
  readonly schema?: Schema;
}

/**
 * Compiles a model whose forward and backward pass run in the kernel: towers of dense layers, batch normalisations, activations and
 * dropouts, summed or side by side.
 * @throws SHARDFEED_USAGE for a spec that is wrong, SHARDFEED_SCHEMA_MISMATCH for columns that the schema has not
 */
export function compileModel(
  spec: ModelSpec,
  options: CompileModelOptions = {},
): (group: Pick<ProcessGroup, 'memory' | 'allReduceSync'>) => CompiledModel {
  const parsed = parseModelSpec(spec);
  const plan = planModel(parsed, options.schema);
  return (group) => new CompiledModel(plan, group, parsed.seed ?? 0);
}

/** A model whose step is made of kernels on the group's memory. */
export class CompiledModel implements StepModel {
  readonly backend = 'compiled';
  readonly layout: ParameterLayout;
  readonly stateLayout: ParameterLayout;
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  readonly state: Float32Array;
  readonly #plan: ModelPlan;
  readonly #memory: TrainMemory;
  readonly #reduce: ((sums: Float64Array) => void) | undefined;
  readonly #regularized: readonly { at: number; gradient: number; size: number; l1: number; l2: number }[];
  #network: Network | undefined;
  #capacity = 0;
  #last: StepSums = { loss: 0, weight: 0 };
  #lastSize = 0;
  readonly #chosen = new ChosenRows();

  #onClose: ((model: CompiledModel) => void) | undefined;

  /** @param onClose called once, when training is over */
  constructor(
    plan: ModelPlan,
    group: Pick<ProcessGroup, 'memory' | 'allReduceSync'>,
    seed: number,
    onClose?: (model: CompiledModel) => void,
  ) {
    this.#onClose = onClose;
    const { layout, stateLayout } = plan;
    const { memory } = group;
    this.#plan = plan;
    this.#memory = memory;
    this.layout = layout;
    this.stateLayout = stateLayout;
    // Kernels read up to 7 numbers behind a bias; the trainer reduces loss and weight behind the gradients.
    this.weights = memory.array(Float32Array, layout.size + 16).subarray(0, layout.size);
    this.gradients = memory.array(Float32Array, layout.size + 16).subarray(0, layout.size);
    this.state = memory.array(Float32Array, stateLayout.size + 16).subarray(0, stateLayout.size);
    this.#reduce = plan.batchNorm === 'sync' ? (sums) => void group.allReduceSync(sums) : undefined;
    for (const [where, values] of [
      [layout, this.weights],
      [stateLayout, this.state],
    ] as const) {
      for (const { name, offset, size, shape } of where.parameters) {
        const { initial } = plan.parameters.find((one) => one.name === name)!;
        initialize(values.subarray(offset, offset + size), shape, initial, { seed, name });
      }
    }
    this.#regularized = layout.parameters.flatMap(({ name, offset, size }) => {
      const { l1 = 0, l2 = 0 } = plan.parameters.find((one) => one.name === name)!.regularizer ?? {};
      if (l1 === 0 && l2 === 0) return [];
      const [at, gradient] = [this.weights, this.gradients].map((values) => values.byteOffset + offset * 4);
      return [{ at: at!, gradient: gradient!, size, l1, l2 }];
    });
  }

  step(batch: Batch, { step, seed, firstRow }: StepContext): StepSums {
    const network = this.#load(batch, firstRow);
    const weight = this.#loadLabels(batch, network);
    const { count: rows, rowNumbers } = this.#chosen;
    const run: Run = { rows, training: true, seed, step, rowNumbers };
    network.forward(run);
    const loss = network.loss(rows);
    network.backward(run);
    this.#last = { loss, weight };
    this.#lastSize = batch.size;
    return this.#last;
  }

  /** Of the last step, before anything else was asked of the model: with dropout, and the batch's statistics. */
  lastEvaluation(): Evaluation {
    return this.#evaluation(this.#network!, this.#last, this.#lastSize);
  }

  regularize(): number {
    const { kernel } = this.#memory;
    return this.#regularized.reduce((sum, { at, gradient, size, l1, l2 }) => {
      return sum + kernel.regularize!(at, gradient, size, l1, l2);
    }, 0);
  }

  changed(): void {
    // The kernels read weights and state where they lie.
  }

  predict(batch: Batch): Float32Array {
    const network = this.#load(batch);
    network.forward(this.#inference());
    network.activateOutputs(this.#chosen.count);
    return this.#spreadOutputs(network, batch.size);
  }

  evaluate(batch: Batch): Evaluation {
    const network = this.#load(batch);
    const weight = this.#loadLabels(batch, network);
    network.forward(this.#inference());
    const loss = network.loss(this.#chosen.count);
    return this.#evaluation(network, { loss, weight }, batch.size);
  }

  close(): void {
    // Memory is the group's.
    this.#onClose?.(this);
    this.#onClose = undefined;
  }

  #evaluation(network: Network, { loss, weight }: StepSums, size: number): Evaluation {
    const width = labelWidth(this.#plan);
    return {
      loss,
      weight,
      predictions: this.#spreadOutputs(network, size),
      labels: this.#chosen.spread(network.labels, width, width, size),
      weights: this.#chosen.spread(network.weights, 1, 1, size),
    };
  }

  #inference(): Run {
    const { count: rows, rowNumbers } = this.#chosen;
    return { rows, training: false, seed: 0, step: 0, rowNumbers };
  }

  /** Chooses the rows that count and copies their inputs. */
  #load(batch: Batch, firstRow = 0): Network {
    const network = this.#networkFor(batch.size);
    this.#chosen.choose(batch, firstRow);
    for (const [i, { inputs }] of this.#plan.towers.entries()) {
      const { values, stride } = network.inputs[i]!;
      this.#chosen.read(batch, inputs, values, stride);
    }
    return network;
  }

  #loadLabels(batch: Batch, { labels, weights }: Network): number {
    const { rows, count } = this.#chosen;
    readLabels(batch, this.#plan, rows, count, labels);
    return readWeights(batch, this.#plan, rows, count, labels, weights);
  }

  #spreadOutputs({ outputs: { values, stride, width } }: Network, size: number): Float32Array {
    return this.#chosen.spread(values, stride, width, size);
  }

  /** Buffers are made anew, twice as large, for a batch that does not fit. */
  #networkFor(size: number): Network {
    if (this.#network !== undefined && size <= this.#capacity) return this.#network;
    const capacity = (Math.max(size, this.#capacity * 2, 4) + 3) & ~3;
    this.#network = buildNetwork(this.#plan, this.#tools(capacity));
    this.#capacity = capacity;
    return this.#network;
  }

  #tools(capacity: number): LayerTools {
    const { kernel, wasm } = this.#memory;
    const find = (layout: ParameterLayout, values: Float32Array, name: string): number => {
      const parameter = layout.parameters.find((one) => one.name === name);
      return parameter === undefined ? 0 : values.byteOffset + parameter.offset * 4;
    };
    return {
      kernel,
      capacity,
      alloc: (bytes) => this.#memory.alloc(bytes),
      floats: (address, length) => new Float32Array(wasm.buffer, address, length),
      doubles: (address, length) => new Float64Array(wasm.buffer, address, length),
      parameter: (name) => find(this.layout, this.weights, name) || find(this.stateLayout, this.state, name),
      gradient: (name) => find(this.layout, this.gradients, name),
      ...(this.#reduce !== undefined && { reduce: this.#reduce }),
    };
  }
}

import { checkOptions, type OptionKinds } from '../../dataset/known-options.js';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/batch.js';
import type { Schema } from '../../records/schema.js';
import type { ProcessGroup } from '../collective/process-group.js';
import type { TrainMemory } from '../kernel/train-memory.js';
import { flatBuffer, type ParameterLayout } from '../parameters.js';
import { initialize } from '../random/index.js';
import type { Evaluation, StepContext, StepModel, StepSums } from '../step-model.js';
import { Feed } from './feed.js';
import { layerTools } from './layer-tools.js';
import type { Run } from './layers/layer.js';
import { type ModelPlan, planModel } from './model-plan.js';
import { buildNetwork } from './network.js';
import { Replica } from './replica.js';
import { type ModelSpec, parseModelSpec } from './spec.js';

export interface CompileModelOptions {
  /** What the batches hold: says which columns are labels, how wide columns are, and which there are. */
  readonly schema?: Schema;
  /**
   * Threads that compute a step, each a part of the rank's rows with batch statistics of its own; their gradients are added in order. Default
   * 1: this thread. Pays for large layers and idle cores.
   */
  readonly replicas?: number;
}

/** Replicas are looked at with what they go with. */
const COMPILE_OPTIONS: OptionKinds<CompileModelOptions> = { schema: true, replicas: true };

/**
 * Compiles a model whose forward and backward pass run in the kernel: towers of dense layers, batch normalisations, activations and
 * dropouts, summed or side by side.
 * @throws SHARDFEED_USAGE for a spec that is wrong, SHARDFEED_SCHEMA_MISMATCH for columns that the schema has not
 */
export function compileModel(
  spec: ModelSpec,
  options: CompileModelOptions = {},
): (group: Pick<ProcessGroup, 'memory' | 'allReduceSync'>) => CompiledModel {
  checkOptions('compileModel', options, COMPILE_OPTIONS);
  const parsed = parseModelSpec(spec);
  const plan = planModel(parsed, options.schema);
  const { replicas = 1 } = options;
  if (!Number.isInteger(replicas) || replicas < 1 || (replicas > 1 && plan.batchNorm === 'sync')) {
    const what = "replicas is a whole number from 1 on, and 1 with batchNorm: 'sync'";
    throw new ShardfeedError('SHARDFEED_USAGE', `model: ${what}, got ${replicas}`);
  }
  return (group) => new CompiledModel(plan, group, { seed: parsed.seed ?? 0, replicas });
}

const NO_ROWS = new Uint32Array(0);

/** A model whose step is made of kernels on the group's memory. */
export class CompiledModel implements StepModel {
  readonly backend = 'compiled';
  readonly collective: boolean;
  readonly layout: ParameterLayout;
  readonly stateLayout: ParameterLayout;
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  readonly state: Float32Array;
  readonly #memory: TrainMemory;
  readonly #regularized: readonly { at: number; gradient: number; size: number; l1: number; l2: number }[];
  readonly #feed: Feed;
  readonly #replicas: readonly Replica[];
  #last: StepSums = { loss: 0, weight: 0 };
  #lastSize = 0;
  #onClose: ((model: CompiledModel) => void) | undefined;

  /** @param onClose called once, when training is over */
  constructor(
    plan: ModelPlan,
    group: Pick<ProcessGroup, 'memory' | 'allReduceSync'>,
    { seed = 0, replicas = 1 }: { seed?: number; replicas?: number } = {},
    onClose?: (model: CompiledModel) => void,
  ) {
    const { layout, stateLayout } = plan;
    const { memory } = group;
    this.#onClose = onClose;
    this.#memory = memory;
    this.collective = plan.batchNorm === 'sync';
    this.layout = layout;
    this.stateLayout = stateLayout;
    // Kernels read up to 7 numbers behind a bias.
    this.weights = flatBuffer(memory, layout);
    this.gradients = flatBuffer(memory, layout);
    this.state = flatBuffer(memory, stateLayout);
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
    const addresses = {
      weights: this.weights.byteOffset,
      gradients: this.gradients.byteOffset,
      state: this.state.byteOffset,
    };
    const reduce = plan.batchNorm === 'sync' ? (sums: Float64Array) => void group.allReduceSync(sums) : undefined;
    this.#feed = new Feed(plan, (capacity) => {
      const alloc = (bytes: number): number => memory.alloc(bytes);
      return buildNetwork(plan, layerTools(plan, memory, addresses, capacity, alloc, reduce));
    });
    this.#replicas = Array.from({ length: replicas - 1 }, () => new Replica(plan, memory, addresses.weights));
  }

  step(batch: Batch, context: StepContext): StepSums {
    const { size } = batch;
    const parts = this.#replicas.length + 1;
    const cut = (part: number): number => Math.floor((part * size) / parts);
    let weight = 0;
    for (const [i, replica] of this.#replicas.entries()) {
      weight += replica.start(batch, context, cut(i + 1), cut(i + 2), this.state);
    }
    const { network, rows, weight: own } = this.#feed.load(batch, context.firstRow, 0, cut(1));
    let loss = network.step(rows, context.seed, context.step);
    for (const replica of this.#replicas) loss += replica.finish();
    if (this.#replicas.length > 0) this.#addReplicas(rows);
    this.#last = { loss, weight: own + weight };
    this.#lastSize = size;
    return this.#last;
  }

  /** Of the last step, before anything else was asked of the model: with dropout, and the batch's statistics. */
  lastEvaluation(): Evaluation {
    const evaluation = this.#feed.evaluation(this.#last, this.#lastSize);
    for (const { feed } of this.#replicas) feed.evaluation(this.#last, this.#lastSize, evaluation);
    return evaluation;
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
    const { network, rows } = this.#feed.loadInputs(batch, 0, 0, batch.size);
    network.forward(inference(rows));
    network.activateOutputs(rows);
    return this.#feed.predictions(batch.size);
  }

  evaluate(batch: Batch): Evaluation {
    const { network, rows, weight } = this.#feed.load(batch, 0, 0, batch.size);
    network.forward(inference(rows));
    return this.#feed.evaluation({ loss: network.loss(rows), weight }, batch.size);
  }

  close(): void {
    // Memory is the group's.
    for (const replica of this.#replicas) replica.close();
    this.#onClose?.(this);
    this.#onClose = undefined;
  }

  /** Adds the replicas' gradients, and takes the mean of the states of those that had rows, always in the same order. */
  #addReplicas(ownRows: number): void {
    const { kernel } = this.#memory;
    for (const { gradients } of this.#replicas) {
      kernel.sumF32!(this.gradients.byteOffset, gradients.byteOffset, gradients.length);
    }
    const states = this.#replicas.filter(({ rows }) => rows > 0).map(({ state }) => state);
    if (ownRows > 0) states.unshift(this.state);
    for (let i = 0; i < this.state.length && states.length > 0; i++) {
      this.state[i] = states.reduce((sum, state) => sum + state[i]!, 0) / states.length;
    }
  }
}

function inference(rows: number): Run {
  return { rows, training: false, seed: 0, step: 0, rowNumbers: NO_ROWS };
}

import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/batch.js';
import type { ProcessGroup } from '../collective/process-group.js';
import { flatBuffer } from '../parameters.js';
import { rowsThatCount } from '../rows-that-count.js';
import type { Evaluation, ModelMaker, StepContext, StepModel, StepSums } from '../step-model.js';
import { type RankGradients, sumsOf } from './distributed-optimizer.js';
import { FlatVariables, type Variables } from './variables.js';

/** A model of the user's own: anything that has variables and can tell the gradient of a batch. */
export interface FreeModel {
  /** What is trained. */
  readonly variables: Variables;
  /** What is not trained but belongs to the model, and to its checkpoints: moving averages. */
  readonly state?: Variables;
  /** Name of the optimizer of a variable, where there are several. */
  readonly groupOf?: (name: string) => string | undefined;
  /** Loss, weight (default: their number) and mean gradients over the unmasked rows of a batch. May change `state`. */
  trainStep(batch: Batch, context: StepContext): RankGradients | Promise<RankGradients>;
  /** Predictions, row-major; for `evaluate` and `predict` of the trainer. */
  predict?(batch: Batch): Float32Array | Promise<Float32Array>;
  /** Predictions and their loss; for validation. */
  evaluate?(batch: Batch): Evaluation | Promise<Evaluation>;
}

/** Makes `fit` train a model of the user's own. */
export function freeModel(model: FreeModel): ModelMaker {
  return (group) => new FreeStepModel(group, model);
}

class FreeStepModel implements StepModel {
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  readonly state: Float32Array;
  readonly #model: FreeModel;
  readonly #variables: FlatVariables;
  readonly #states: FlatVariables;

  constructor({ memory }: ProcessGroup, model: FreeModel) {
    this.#model = model;
    this.#variables = new FlatVariables(model.variables, model.groupOf);
    this.#states = new FlatVariables(model.state ?? {});
    const { size } = this.layout;
    this.weights = memory.array(Float32Array, size);
    this.gradients = flatBuffer(memory, this.layout);
    this.state = memory.array(Float32Array, this.stateLayout.size);
    this.#variables.read(this.weights);
    this.#states.read(this.state);
  }

  get layout() {
    return this.#variables.layout;
  }
  get stateLayout() {
    return this.#states.layout;
  }

  async step(batch: Batch, context: StepContext): Promise<StepSums> {
    const { gradients, weight = rowsThatCount(batch.mask), loss = 0 } = await this.#model.trainStep(batch, context);
    this.#variables.put(this.gradients, gradients, weight);
    this.#states.read(this.state);
    return sumsOf(loss, weight);
  }

  changed(): void {
    this.#variables.write(this.weights);
    this.#states.write(this.state);
  }

  predict(batch: Batch) {
    return this.#model.predict?.(batch) ?? missing('predict');
  }

  evaluate(batch: Batch) {
    return this.#model.evaluate?.(batch) ?? missing('evaluate');
  }

  close(): void {}
}

function missing(name: string): never {
  throw new ShardfeedError('SHARDFEED_USAGE', `the model has no function ${name}, which this needs`);
}

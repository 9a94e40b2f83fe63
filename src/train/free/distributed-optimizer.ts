import type { ProcessGroup } from '../collective/process-group.js';
import type { Optimizers } from '../optimizers/index.js';
import { flatBuffer } from '../parameters.js';
import type { StepSums } from '../step-model.js';
import { type Update, type UpdateOptions, Updater } from '../update.js';
import { FlatVariables, type Variables } from './variables.js';

/** What a rank computed from its rows. */
export interface RankGradients {
  /** Mean gradient over the rank's rows, by variable. */
  readonly gradients: Readonly<Record<string, ArrayLike<number>>>;
  /** What the mean is over: the sum of the weights of the rank's unmasked rows. Default 1: all ranks count alike. 0: it had none. */
  readonly weight?: number;
  /** Mean loss over the same rows. Default 0. */
  readonly loss?: number;
}

export interface DistributedOptimizerOptions extends UpdateOptions {
  /** Name of the optimizer of a variable, where there are several. */
  readonly groupOf?: (name: string) => string | undefined;
}

/**
 * Updates the user's own variables by gradients averaged over the ranks, as Horovod's `DistributedOptimizer` does: for training loops that
 * `fit` does not know. Of several, as a GAN has, every rank applies the same ones in the same order. {@link broadcastVariables} first.
 */
export class DistributedOptimizer {
  readonly #variables: FlatVariables;
  readonly #weights: Float32Array;
  readonly #gradients: Float32Array;
  readonly #updater: Updater;

  /** @throws SHARDFEED_USAGE for optimizers that do not fit the variables */
  constructor(
    group: ProcessGroup,
    variables: Variables,
    optimizers: Optimizers,
    { groupOf, ...options }: DistributedOptimizerOptions = {},
  ) {
    this.#variables = new FlatVariables(variables, groupOf);
    const { layout } = this.#variables;
    this.#weights = group.memory.array(Float32Array, layout.size);
    this.#gradients = flatBuffer(group.memory, layout);
    this.#updater = new Updater(
      group,
      { layout, weights: this.#weights, gradients: this.#gradients },
      optimizers,
      options,
    );
  }

  /** Updates so far: set it, and fill {@link slots}, to go on from a checkpoint. */
  get updates(): number {
    return this.#updater.updates;
  }
  set updates(updates: number) {
    this.#updater.updates = updates;
  }

  /** What the optimizers remember, by name, for checkpoints. */
  get slots(): Readonly<Record<string, Float32Array>> {
    return this.#updater.slots;
  }

  /**
   * One update of the variables; every rank calls it.
   * @throws SHARDFEED_USAGE for gradients that are not the variables', SHARDFEED_NOT_FINITE, and what collectives throw
   */
  async apply({ gradients, weight = 1, loss = 0 }: RankGradients): Promise<Update> {
    this.#variables.put(this.#gradients, gradients, weight);
    this.#variables.read(this.#weights);
    const update = await this.#updater.apply(sumsOf(loss, weight));
    if (!update.skipped) this.#variables.write(this.#weights);
    return update;
  }
}

/** From a mean over rows to sums. A mean over no rows may be NaN. */
export function sumsOf(loss: number, weight: number): StepSums {
  return { loss: weight === 0 ? 0 : loss * weight, weight };
}

import { ShardfeedError } from '../errors.js';
import type { ProcessGroup } from './collective/process-group.js';
import type { EpochLog } from './history.js';
import { type Clipping, checkClipping, clip, normOf, OptimizerSet, type Optimizers } from './optimizers/index.js';
import { BEHIND_GRADIENTS, type Parameter, type ParameterLayout } from './parameters.js';
import type { StepSums } from './step-model.js';

export interface UpdateOptions {
  readonly clip?: Clipping;
  /**
   * What becomes of an update whose loss or gradient, reduced over the ranks, is NaN or infinite: `error` (default) ends the training with
   * SHARDFEED_NOT_FINITE, `skip` leaves weights and optimizers as they are. All ranks see the same numbers, so all do the same.
   */
  readonly notFinite?: 'error' | 'skip';
  /** Parameters that stay as they are, by name. */
  readonly frozen?: (name: string) => boolean;
}

/** What an update works on: see StepModel. */
export interface Updatable {
  readonly layout: ParameterLayout;
  readonly weights: Float32Array;
  /** With {@link BEHIND_GRADIENTS} more elements behind them in the group's memory. */
  readonly gradients: Float32Array;
  /** Adds the regularisers' gradients to `gradients`, which are means by then, and gives the regularisers' loss. */
  regularize?(): number;
}

/** An update as all ranks see it. */
export interface Update {
  /** Mean over the unmasked rows of all ranks, by their weights, with the regularisers' loss. 0 where there were no rows. */
  readonly loss: number;
  /** Of all ranks' rows. */
  readonly weight: number;
  /** Euclidean norm of the mean gradient, before clipping. */
  readonly norm: number;
  /** Weights stayed as they were: no rows, or not finite. */
  readonly skipped: boolean;
  /** What the ranks had to tell, added up. */
  readonly told: readonly number[];
  /** Waiting for the other ranks, and reducing. */
  readonly allReduceMs: number;
}

export interface ApplyOptions {
  /** Up to 13 numbers to be added up over the ranks on this occasion. */
  readonly told?: readonly number[];
  /** Of past epochs, for schedules. */
  readonly history?: readonly EpochLog[];
}

const [LOSS, WEIGHT, TOLD] = [0, 1, 2];

/**
 * From the ranks' gradients to new weights, the same bits on every rank: the gradient is sum(n_r g_r) / sum(n_r), where n_r is the
 * sum of the weights of rank r's rows, reduced in the same operation. A rank without rows takes part with zeros.
 */
export class Updater {
  readonly #group: ProcessGroup;
  readonly #model: Updatable;
  readonly #options: UpdateOptions;
  readonly #set: OptimizerSet;
  readonly #reduced: Float32Array;
  readonly #frozen: readonly Parameter[];
  /** Sums of gradients, loss and weight of batches before the last one. */
  #held: Float32Array | undefined;
  /** Updates so far. */
  updates = 0;

  /** @throws SHARDFEED_USAGE for optimizers that do not fit the parameters, and for limits that are none */
  constructor(group: ProcessGroup, model: Updatable, optimizers: Optimizers, options: UpdateOptions = {}) {
    checkClipping(options.clip ?? {});
    this.#group = group;
    this.#model = model;
    this.#options = options;
    this.#set = new OptimizerSet(group.memory, model.layout, optimizers, options);
    const { buffer, byteOffset, length } = model.gradients;
    this.#reduced = new Float32Array(buffer, byteOffset, length + BEHIND_GRADIENTS);
    const { frozen = () => false } = options;
    this.#frozen = model.layout.parameters.filter(({ name }) => frozen(name));
  }

  /** What the optimizers remember, for checkpoints. */
  get slots(): Readonly<Record<string, Float32Array>> {
    return this.#set.slots;
  }

  /** Keeps the gradients of a batch, to be added to those of the next ones: gradient accumulation. */
  hold({ loss, weight }: StepSums): void {
    this.#putSums(loss, weight, []);
    if (this.#held === undefined) {
      this.#held = this.#group.memory.array(Float32Array, this.#reduced.length);
    }
    this.#add(this.#held, this.#reduced);
  }

  /** Reduces the gradients of what was held and of the last batch, and updates the weights. Every rank calls it. */
  async apply(sums: StepSums, { told = [], history = [] }: ApplyOptions = {}): Promise<Update> {
    const { gradients, weights, regularize } = this.#model;
    const { kernel } = this.#group.memory;
    this.#putSums(sums.loss, sums.weight, told);
    if (this.#held !== undefined) {
      this.#add(this.#reduced, this.#held);
      this.#held.fill(0);
    }
    const begun = performance.now();
    await this.#group.allReduce(this.#reduced);
    const allReduceMs = performance.now() - begun;

    const [loss, weight, ...rest] = this.#reduced.subarray(gradients.length) as unknown as [
      number,
      number,
      ...number[],
    ];
    const seen = { weight, told: rest.slice(0, told.length), allReduceMs };
    if (weight === 0) return { ...seen, loss: 0, norm: 0, skipped: true };
    kernel.scaleF32!(gradients.byteOffset, gradients.length, 1 / weight);
    const total = loss / weight + (regularize?.call(this.#model) ?? 0);
    for (const { offset, size } of this.#frozen) gradients.fill(0, offset, offset + size);
    const norm = normOf(kernel, gradients);
    if (!Number.isFinite(total + norm)) {
      if (this.#options.notFinite !== 'skip') throw this.#notFinite(total);
      return { ...seen, loss: total, norm, skipped: true };
    }
    clip(kernel, gradients, norm, this.#options.clip ?? {});
    this.#set.apply(weights, gradients, this.updates, { worldSize: this.#group.worldSize, history });
    this.updates++;
    return { ...seen, loss: total, norm, skipped: false };
  }

  #putSums(loss: number, weight: number, told: readonly number[]): void {
    const at = this.#model.gradients.length;
    this.#reduced[at + LOSS] = loss;
    this.#reduced[at + WEIGHT] = weight;
    this.#reduced.fill(0, at + TOLD);
    this.#reduced.set(told, at + TOLD);
  }

  #add(to: Float32Array, from: Float32Array): void {
    this.#group.memory.kernel.sumF32!(to.byteOffset, from.byteOffset, from.length);
  }

  #notFinite(loss: number): ShardfeedError {
    const { layout, gradients } = this.#model;
    const at = gradients.findIndex((value) => !Number.isFinite(value));
    const parameter = layout.parameters.find(({ offset, size }) => at >= offset && at < offset + size);
    const where =
      parameter === undefined ? `the loss is ${loss}` : `the gradient of ${parameter.name} holds ${gradients[at]}`;
    const what = `update ${this.updates} cannot be made: ${where} (loss ${loss}, over all ranks); the weights are those before it`;
    return new ShardfeedError(
      'SHARDFEED_NOT_FINITE',
      `${what}. Lower the learning rate, clip, or set notFinite: 'skip'`,
    );
  }
}

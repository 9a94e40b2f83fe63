import type { Batch } from '../records/batch.js';
import type { ProcessGroup } from './collective/process-group.js';
import type { ParameterLayout } from './parameters.js';

/** What a step's randomness and ordinals follow from: nothing in it depends on the number of ranks. */
export interface StepContext {
  /** From 0, over the whole training. */
  readonly step: number;
  readonly seed: number;
  /** The row of the step's global batch that is the batch's first: dropout is keyed by (seed, layer, step, global row). */
  readonly firstRow: number;
}

/** Sums over the rows of a batch, not means; weights are those of the unmasked rows. */
export interface StepSums {
  /** Sum of weight x loss over the rows, without regularisers. */
  readonly loss: number;
  /** Sum of the weights. */
  readonly weight: number;
}

/** What metrics are made of. */
export interface Evaluation extends StepSums {
  /** Row-major, `outputs` numbers a row. */
  readonly predictions: Float32Array;
  /** As many as predictions, or one class a row. */
  readonly labels: Float32Array;
  /** One a row; 0 where the mask is. */
  readonly weights: Float32Array;
}

/**
 * A model as the trainer drives it: its trainable parameters are one flat float32 buffer, its gradients another of the same layout, both
 * in the group's memory. What implements it: the compiled model (kernels), a tf.LayersModel (tfjs), the user's own step.
 */
export interface StepModel {
  readonly layout: ParameterLayout;
  readonly weights: Float32Array;
  /**
   * Of the last `step`: the sum over rows of weight x gradient of the row's loss, without regularisers. The {@link BEHIND_GRADIENTS} elements
   * behind them in the group's memory are the trainer's.
   */
  readonly gradients: Float32Array;
  /** What is not trained but belongs to the model: moving means and variances. */
  readonly stateLayout: ParameterLayout;
  readonly state: Float32Array;
  /** Adds the gradient of the regularisers to `gradients` (which are means by now) and gives their loss. */
  regularize?(): number;
  /** Whether `step` calls collectives, such as for statistics of all ranks' rows: then all ranks must call it equally often. */
  readonly collective?: boolean;
  /** Forward and backward; fills `gradients`, updates `state`. Rows with mask 0 count nothing. A batch without rows is fine. */
  step(batch: Batch, context: StepContext): StepSums | Promise<StepSums>;
  /** Predictions, labels and weights of the last `step`, as they were in training: for the metrics of training batches. Lent. */
  lastEvaluation?(): Evaluation;
  /** Reads `weights` and `state` anew after they were changed (broadcast, checkpoint, optimizer). */
  changed(): void;
  /** Predictions of rows, row-major: `outputs` numbers a row. With the moving statistics, without dropout. */
  predict(batch: Batch): Float32Array | Promise<Float32Array>;
  /** Predictions and their loss, with the moving statistics and without dropout. */
  evaluate(batch: Batch): Evaluation | Promise<Evaluation>;
  close(): void | Promise<void>;
}

/** What makes a model for a rank: called once the group is there. */
export type ModelMaker = (group: ProcessGroup) => StepModel | Promise<StepModel>;

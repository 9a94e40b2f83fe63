import type { Dataset } from '../../dataset/index.js';
import { checkOptions, Kinds, type OptionKinds, oneOf } from '../../dataset/known-options.js';
import { ShardfeedError } from '../../errors.js';
import type { BestBy } from '../checkpoint/index.js';
import type { ProcessGroup } from '../collective/process-group.js';
import type { EpochLog } from '../history.js';
import type { MetricName } from '../metrics/index.js';
import type { Metric } from '../metrics/metric.js';
import type { LayersModelLike } from '../model/index.js';
import type { Clipping, Optimizers } from '../optimizers/index.js';
import type { ModelMaker, StepModel } from '../step-model.js';
import type { Trigger } from '../triggers.js';
import type { StepEvent } from './reporter.js';
import type { TrainData } from './train-data.js';

export interface CheckpointOptions {
  /** Path or URI of the folder; only rank 0 writes and reads there. */
  readonly folder: string;
  /** When to write one, besides at the end and when asked to stop. Default: after each epoch. */
  readonly every?: Trigger;
  /** How many of the newest stay. Default 3. */
  readonly keep?: number;
  /**
   * Stays too: by a metric of the epochs, such as `val_loss`. Only checkpoints at an epoch's end count, which have the weights that it was
   * measured with.
   */
  readonly best?: BestBy;
  /**
   * Whether to go on from what lies there: true (default) from the newest whole one, if there is one; a number: from that step, and later ones
   * are given up; false: not at all, which is refused once there is one of a later step. Where a launcher starts the job again, it goes on
   * from the newest that it has written itself.
   */
  readonly resume?: boolean | number;
}

export interface ValidationOptions extends TrainData {
  /** Epochs between two validations. Default 1. The last epoch is always validated. */
  readonly every?: number;
}

/** Functions that are told what happens, on every rank, in the order given; training waits for what they return. */
export interface Callbacks {
  /** Before the first step, or the first after a resume. */
  onStart?(state: { readonly model: StepModel; readonly step: number; readonly epoch: number }): unknown;
  onStep?(event: StepEvent): unknown;
  onEpoch?(log: EpochLog): unknown;
  /** Only on rank 0. */
  onCheckpoint?(saved: { readonly path: string; readonly step: number }): unknown;
  onEnd?(result: FitResult): unknown;
}

export interface FitOptions extends TrainData {
  /** Of `compileModel`, `layersModel`, `freeModel`; or a `tf.LayersModel`, which is as `layersModel(model, { schema })` with the dataset's schema. */
  readonly model: ModelMaker | LayersModelLike;
  readonly optimizer: Optimizers;
  /** Besides the loss. In training they are shown of models that give their predictions, else only of validation data. */
  readonly metrics?: readonly (MetricName | Metric)[];
  readonly validation?: ValidationOptions;
  /** Default 1, unless `steps` or `end` are given. */
  readonly epochs?: number;
  /** Updates in all. */
  readonly steps?: number;
  /** Another condition that ends the training, such as `onPlateau({ patience: 3 })`. */
  readonly end?: Trigger;
  readonly clip?: Clipping;
  /** Batches of a rank that make one update. Default 1. */
  readonly accumulate?: number;
  /** Parameters that stay as they are: their names, or what stands before a `/` in them (`deep`, `deep/dense`). */
  readonly frozen?: readonly string[];
  /** What becomes of an update whose loss or gradient is not finite: `error` (default) ends the training, `skip` leaves it out. */
  readonly notFinite?: 'error' | 'skip';
  /** What shuffling and dropout follow from. Default 0. */
  readonly seed?: number;
  readonly checkpoint?: CheckpointOptions;
  /** Updates between two comparisons of the ranks' weights, bit by bit. Default 0: never. They are equal by construction. */
  readonly checkWeightsEvery?: number;
  readonly callbacks?: Callbacks | readonly Callbacks[];
  /** Listen to SIGTERM: checkpoint at the next step, and exit code 75; 143 without `checkpoint`. Default true. */
  readonly handleSignals?: boolean;
  /** The ranks. Default: joined as the environment says, and left at the end. */
  readonly group?: ProcessGroup;
  readonly signal?: AbortSignal;
}

/** Why training ended: what it was to do is done, or somebody asked (SIGTERM, or the launcher). */
export type Ended = 'complete' | 'stopped';

export interface FitResult {
  readonly model: StepModel;
  /** Of all epochs that ended, with those before a resume. */
  readonly history: readonly EpochLog[];
  /** Steps made, with those before a resume. */
  readonly step: number;
  /** Steps of this call alone: 0 where the training had come to its end before. */
  readonly newSteps: number;
  /** Epochs that ended. */
  readonly epoch: number;
  readonly ended: Ended;
}

const isDataset = (value: unknown): boolean => typeof (value as Partial<Dataset> | null)?.plan === 'function';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const isModel = (value: unknown): boolean =>
  typeof value === 'function' || Array.isArray((value as Partial<LayersModelLike> | null)?.layers);

export const DATA_OPTIONS: OptionKinds<TrainData> = {
  dataset: { wanted: 'what openDataset resolves to', is: isDataset },
  read: true,
  prepare: Kinds.callback,
  batches: Kinds.callback,
};

const FIT_OPTIONS: OptionKinds<FitOptions> = {
  ...DATA_OPTIONS,
  model: { wanted: 'what compileModel, layersModel or freeModel makes, or a tf.LayersModel', is: isModel },
  optimizer: { wanted: 'an optimizer, or an object of several, such as adam()', is: isObject },
  metrics: { wanted: 'a list of names or metrics', is: Array.isArray },
  validation: { wanted: '{ dataset } or { batches }', is: (value) => isObject(value) && !isDataset(value) },
  epochs: Kinds.positive,
  steps: Kinds.positive,
  end: Kinds.callback,
  clip: true,
  accumulate: Kinds.positive,
  frozen: Kinds.names,
  notFinite: oneOf('error', 'skip'),
  seed: true,
  checkpoint: true,
  checkWeightsEvery: Kinds.count,
  callbacks: true,
  handleSignals: Kinds.flag,
  group: true,
  signal: Kinds.signal,
};

const CHECKPOINT_OPTIONS: OptionKinds<CheckpointOptions> = {
  folder: Kinds.text,
  every: Kinds.callback,
  keep: Kinds.positive,
  best: true,
  resume: { wanted: 'true, false or a step', is: (value) => typeof value === 'boolean' || Kinds.count.is(value) },
};

const CALLBACKS: OptionKinds<Callbacks> = {
  onStart: Kinds.callback,
  onStep: Kinds.callback,
  onEpoch: Kinds.callback,
  onCheckpoint: Kinds.callback,
  onEnd: Kinds.callback,
};

/** @throws SHARDFEED_USAGE */
export function checkFitOptions(options: FitOptions): void {
  checkOptions('fit', options, FIT_OPTIONS);
  for (const name of ['model', 'optimizer'] as const) {
    if (options[name] === undefined) throw new ShardfeedError('SHARDFEED_USAGE', `fit wants the option ${name}`);
  }
  const { clip, checkpoint, callbacks = [] } = options;
  if (clip !== undefined) checkOptions('clip', clip, { globalNorm: true, value: true });
  if (checkpoint !== undefined) checkOptions('checkpoint', checkpoint, CHECKPOINT_OPTIONS);
  if (checkpoint?.best !== undefined) {
    checkOptions('best', checkpoint.best, { metric: Kinds.text, mode: oneOf('min', 'max') });
  }
  for (const one of [callbacks].flat()) {
    // They may have more of their own, but what is named like an event and is none would never be called.
    const events = Object.entries(one).filter(([name]) => /^on/i.test(name));
    checkOptions('callbacks', Object.fromEntries(events), CALLBACKS);
  }
  if (options.validation !== undefined) {
    checkOptions('validation', options.validation, { ...DATA_OPTIONS, every: Kinds.positive });
  }
}

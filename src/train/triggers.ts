import { ShardfeedError } from '../errors.js';
import { checkPlateauOptions, type EpochLog, improvements, type PlateauOptions } from './history.js';

/** How far training is: the same on all ranks (the time is rank 0's). */
export interface Progress {
  /** Updates made. */
  readonly step: number;
  /** Epochs that have ended. */
  readonly epoch: number;
  /** Whether an epoch ended with this update. */
  readonly epochEnd: boolean;
  /** Since training began, without what a resumed one took before. */
  readonly seconds: number;
  /** Since the last checkpoint was begun, or since the start. */
  readonly secondsSinceCheckpoint: number;
  readonly history: readonly EpochLog[];
}

/** Asked after each update, that which ends an epoch once its validation is done: whether it is time to end, or to write a checkpoint. */
export type Trigger = (progress: Progress) => boolean;

/** Once so many updates are made. */
export function afterSteps(steps: number): Trigger {
  check('afterSteps', steps);
  return ({ step }) => step >= steps;
}

/** Once so many epochs have ended. */
export function afterEpochs(epochs: number): Trigger {
  check('afterEpochs', epochs);
  return ({ epoch }) => epoch >= epochs;
}

/** Once so much time has passed. */
export function afterSeconds(seconds: number): Trigger {
  check('afterSeconds', seconds);
  return (progress) => progress.seconds >= seconds;
}

/** After every so many updates, also where an epoch ends with one. */
export function everySteps(steps: number): Trigger {
  check('everySteps', steps);
  return ({ step }) => step % steps === 0;
}

/** After every so many epochs (default 1). */
export function everyEpochs(epochs = 1): Trigger {
  check('everyEpochs', epochs);
  return ({ epoch, epochEnd }) => epochEnd && epoch % epochs === 0;
}

/** Once so much time has passed since the last checkpoint. */
export function everySeconds(seconds: number): Trigger {
  check('everySeconds', seconds);
  return (progress) => progress.secondsSinceCheckpoint >= seconds;
}

/** After an epoch that is better than all before. */
export function onImprovement(options: PlateauOptions = {}): Trigger {
  checkPlateauOptions('onImprovement', options);
  return ({ epochEnd, history }) => epochEnd && improvements(history, options).at(-1) === true;
}

/** Once `patience` epochs in succession (default 1) brought no improvement: as keras.callbacks.EarlyStopping. */
export function onPlateau(options: PlateauOptions = {}): Trigger {
  checkPlateauOptions('onPlateau', options);
  const patience = Math.max(1, options.patience ?? 1);
  return ({ epochEnd, history }) => {
    const better = improvements(history, options).filter((known) => known !== undefined);
    return epochEnd && better.length - 1 - better.lastIndexOf(true) >= patience;
  };
}

/** One of them. */
export function anyOf(...triggers: readonly Trigger[]): Trigger {
  return (progress) => triggers.map((trigger) => trigger(progress)).includes(true);
}

function check(of: string, value: number): void {
  if (value > 0) return;
  throw new ShardfeedError('SHARDFEED_USAGE', `${of}() takes a number above 0, not ${String(value)}`);
}

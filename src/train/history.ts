import { checkOptions, Kinds, type OptionKind, type OptionKinds, oneOf } from '../dataset/known-options.js';
import { ShardfeedError } from '../errors.js';
import { own } from '../own-properties.js';

/** What an epoch came to, over all ranks: the mean loss, the metrics, and those of the validation data as `val_<name>`. */
export interface EpochLog {
  /** From 0. */
  readonly epoch: number;
  /** Updates made by its end. */
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Which way a metric gets better. */
type Direction = 'min' | 'max';

export interface PlateauOptions {
  /** The metric that is looked at. Default `val_loss`, or `loss` where there is no validation data. */
  readonly monitor?: string;
  /** Epochs without an improvement that are too many; at least 1. */
  readonly patience?: number;
  /** What counts as an improvement: by more than this. Default 0. */
  readonly minDelta?: number;
  /** Default `min` for losses and errors, else `max`. */
  readonly direction?: Direction;
}

/** @throws SHARDFEED_USAGE for options that there are not, or of a wrong kind */
export function checkPlateauOptions(of: string, options: object, more: Record<string, OptionKind> = {}): void {
  const kinds: OptionKinds<PlateauOptions> = {
    monitor: Kinds.text,
    patience: Kinds.count,
    minDelta: Kinds.number,
    direction: oneOf('min', 'max'),
  };
  checkOptions(`${of}()`, options, { ...kinds, ...more });
}

const SHRINKING = /loss|error|entropy|(^|_)m[as]e$/i;

/**
 * For each epoch, whether it is better than all before it by more than `minDelta`; undefined where the metric was not measured.
 * @throws SHARDFEED_USAGE where no epoch has the metric
 */
export function improvements(history: readonly EpochLog[], options: PlateauOptions): (boolean | undefined)[] {
  const has = (name: string): boolean => history.some(({ metrics }) => Object.hasOwn(metrics, name));
  const { monitor = has('val_loss') ? 'val_loss' : 'loss', minDelta = 0 } = options;
  const { direction = SHRINKING.test(monitor) ? 'min' : 'max' } = options;
  if (history.length > 0 && !has(monitor)) {
    const known = Object.keys(history[0]!.metrics).join(', ');
    const what = `there is no metric ${JSON.stringify(monitor)} to monitor: there are ${known}`;
    throw new ShardfeedError('SHARDFEED_USAGE', what);
  }
  const sign = direction === 'min' ? -1 : 1;
  let best = Number.NEGATIVE_INFINITY;
  return history.map(({ metrics }) => {
    const value = own(metrics, monitor);
    if (value === undefined) return undefined;
    const better = sign * value - minDelta > best;
    if (better) best = sign * value;
    return better;
  });
}

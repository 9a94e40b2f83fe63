import { ShardfeedError } from '../errors.js';

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

const SHRINKING = /loss|error|entropy|(^|_)m[as]e$/i;

/** The metric of an epoch that decides. @throws SHARDFEED_USAGE where it has none of the name */
function monitored({ metrics }: EpochLog, monitor = 'val_loss' in metrics ? 'val_loss' : 'loss'): number {
  const value = metrics[monitor];
  if (value !== undefined) return value;
  const what = `there is no metric ${JSON.stringify(monitor)} to monitor: there are ${Object.keys(metrics).join(', ')}`;
  throw new ShardfeedError('SHARDFEED_USAGE', what);
}

function directionOf({ monitor, direction }: PlateauOptions): Direction {
  return direction ?? (SHRINKING.test(monitor ?? 'loss') ? 'min' : 'max');
}

/** For each epoch, whether it is better than all before it by more than `minDelta`. */
export function improvements(history: readonly EpochLog[], options: PlateauOptions): boolean[] {
  const { monitor, minDelta = 0 } = options;
  const sign = directionOf(options) === 'min' ? -1 : 1;
  let best = Number.NEGATIVE_INFINITY;
  return history.map((log) => {
    const value = sign * monitored(log, monitor);
    const better = value - minDelta > best;
    if (better) best = value;
    return better;
  });
}

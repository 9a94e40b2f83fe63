import { checkOptions, Kinds } from '../../dataset/known-options.js';
import { ShardfeedError } from '../../errors.js';
import type { Schedule } from './schedule.js';

/** Always the same. */
export function constant(rate: number): Schedule {
  return () => rate;
}

/** Times `factor` after every `every` updates. */
export function stepDecay(rate: number, options: { every: number; factor: number }): Schedule {
  checkOptions('stepDecay()', options, { every: true, factor: Kinds.number });
  const { every, factor } = options;
  checkPositive('stepDecay', 'every', every);
  return (update) => rate * factor ** Math.floor(update / every);
}

/** Times `factor` within `steps` updates, smoothly, or by steps (`staircase`): keras.optimizers.schedules.ExponentialDecay. */
export function exponentialDecay(
  rate: number,
  options: { steps: number; factor: number; staircase?: boolean },
): Schedule {
  checkOptions('exponentialDecay()', options, { steps: true, factor: Kinds.number, staircase: Kinds.flag });
  const { steps, factor, staircase = false } = options;
  checkPositive('exponentialDecay', 'steps', steps);
  return (update) => rate * factor ** (staircase ? Math.floor(update / steps) : update / steps);
}

/** From `rate` to `end` (default 0) within `steps` updates along half a cosine, then constant: keras.optimizers.schedules.CosineDecay. */
export function cosineDecay(rate: number, options: { steps: number; end?: number }): Schedule {
  checkOptions('cosineDecay()', options, { steps: true, end: Kinds.number });
  const { steps, end = 0 } = options;
  checkPositive('cosineDecay', 'steps', steps);
  return (update) => end + ((rate - end) * (1 + Math.cos(Math.PI * Math.min(1, update / steps)))) / 2;
}

/**
 * From `rate` to `end` (default 0) within `steps` updates as (1 - t)^power (default 1: linear), then constant:
 * keras.optimizers.schedules.PolynomialDecay.
 */
export function polynomialDecay(rate: number, options: { steps: number; end?: number; power?: number }): Schedule {
  checkOptions('polynomialDecay()', options, { steps: true, end: Kinds.number, power: Kinds.number });
  const { steps, end = 0, power = 1 } = options;
  checkPositive('polynomialDecay', 'steps', steps);
  return (update) => (rate - end) * (1 - Math.min(1, update / steps)) ** power + end;
}

/** rates[i] up to and with update boundaries[i], then the next; one more rate than boundaries: keras' PiecewiseConstantDecay. */
export function piecewise(boundaries: readonly number[], rates: readonly number[]): Schedule {
  const rising = boundaries.every((boundary, i) => i === 0 || boundary > boundaries[i - 1]!);
  if (!rising || rates.length !== boundaries.length + 1) {
    const what = `piecewise() takes rising boundaries and one rate more, not ${boundaries.length} and ${rates.length}`;
    throw new ShardfeedError('SHARDFEED_USAGE', what);
  }
  return (update) => {
    const at = boundaries.findIndex((boundary) => update <= boundary);
    return rates[at === -1 ? boundaries.length : at]!;
  };
}

export function checkPositive(of: string, name: string, value: number): void {
  if (value > 0) return;
  throw new ShardfeedError('SHARDFEED_USAGE', `${name} of ${of}() is a number above 0, not ${String(value)}`);
}

import { checkOptions, Kinds } from '../../dataset/known-options.js';
import { checkPlateauOptions, improvements, type PlateauOptions } from '../history.js';
import { checkPositive } from './decays.js';
import { rateAt, type Schedule } from './schedule.js';

/**
 * Times the number of ranks (Goyal et al., arXiv:1706.02677): for a batch size given per rank, so that the global batch grows with them.
 * With a fixed global batch size the rate need not change.
 */
export function linearScaling(rate: number | Schedule): Schedule {
  return (update, context) => rateAt(rate, update, context) * context.worldSize;
}

/**
 * Rises linearly from `from` times the rate (default 0) to the rate within `steps` updates; then the rate as it would have been.
 * Horovod's gradual warm-up to a scaled rate begins with `from` one over the number of ranks.
 */
export function warmUp(rate: number | Schedule, options: { steps: number; from?: number }): Schedule {
  checkOptions('warmUp()', options, { steps: true, from: Kinds.number });
  const { steps, from = 0 } = options;
  checkPositive('warmUp', 'steps', steps);
  return (update, context) => rateAt(rate, update, context) * (from + (1 - from) * Math.min(1, update / steps));
}

export interface ReduceOnPlateauOptions extends PlateauOptions {
  /** What the rate is multiplied by. Default 0.1. */
  readonly factor?: number;
  /** Default 0. */
  readonly minRate?: number;
}

/** Times `factor` whenever `patience` (default 10) epochs, one at least, brought no improvement, as keras.callbacks.ReduceLROnPlateau. */
export function reduceOnPlateau(rate: number | Schedule, options: ReduceOnPlateauOptions = {}): Schedule {
  checkPlateauOptions('reduceOnPlateau', options, { factor: Kinds.number, minRate: Kinds.number });
  const { patience = 10, factor = 0.1, minRate = 0 } = options;
  return (update, context) => {
    let waited = 0;
    let cuts = 0;
    for (const better of improvements(context.history, { minDelta: 1e-4, ...options })) {
      if (better === undefined) continue;
      waited = better ? 0 : waited + 1;
      if (waited < Math.max(1, patience)) continue;
      waited = 0;
      cuts++;
    }
    const base = rateAt(rate, update, context);
    return cuts === 0 ? base : Math.max(minRate, base * factor ** cuts);
  };
}

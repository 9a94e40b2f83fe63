import { type LearningRate, type Optimizer, settingsOf } from './optimizer.js';

export interface RmsPropOptions {
  /** Default 0.001. */
  readonly learningRate?: LearningRate;
  /** The share of the mean square that stays, 0 to 1. Default 0.9. */
  readonly rho?: number;
  /** Of the step. Default 0: none. */
  readonly momentum?: number;
  /** Default 1e-7; it is added under the root. */
  readonly epsilon?: number;
  /** Divides by the deviation of the gradient instead of its mean square. Default false. */
  readonly centered?: boolean;
}

/** Tieleman and Hinton, and centered, Graves (arXiv:1308.0850): equal to keras.optimizers.RMSprop of Keras 3.15. */
export function rmsProp(options: RmsPropOptions = {}): Optimizer {
  const ranges = {
    rho: { default: 0.9, min: 0, max: 1 },
    momentum: { default: 0, min: 0, max: 1 },
    epsilon: { default: 1e-7, min: 0 },
  };
  const settings = settingsOf('rmsProp', options, ranges, ['centered']);
  const { rho, momentum, epsilon } = settings;
  const centered = options.centered ?? false;
  const names = ['velocity', ...(centered ? ['averageGradient'] : []), ...(momentum > 0 ? ['momentum'] : [])];
  return {
    name: 'rmsProp',
    settings: { ...settings, centered: Number(centered) },
    learningRate: options.learningRate ?? 0.001,
    slots: names.map((name) => ({ name, initial: 0 })),
    apply(kernel, { weights, gradients, slots, count }, rate) {
      const means = centered ? slots[1]! : 0;
      const momenta = momentum > 0 ? slots.at(-1)! : 0;
      kernel.applyRmsProp!(weights, gradients, slots[0]!, means, momenta, count, rate, rho, 1 - rho, momentum, epsilon);
    },
  };
}

import { type LearningRate, type Optimizer, settingsOf } from './optimizer.js';

export interface FtrlOptions {
  /** Default 0.001. */
  readonly learningRate?: LearningRate;
  /** How the rate of a weight falls with its squared gradients: at most 0, default -0.5. */
  readonly learningRatePower?: number;
  /** What the sums of squared gradients begin with. Default 0.1. */
  readonly initialAccumulator?: number;
  /** Strength of the penalty on absolute values, which makes weights 0. Default 0. */
  readonly l1?: number;
  /** Strength of the penalty on squares. Default 0. */
  readonly l2?: number;
  /** Strength of the penalty on squares as part of the gradient. Default 0. */
  readonly l2Shrinkage?: number;
  /** The paper's beta. Default 0. */
  readonly beta?: number;
}

/**
 * McMahan et al., "Ad Click Prediction: a View from the Trenches" (KDD 2013): equal to keras.optimizers.Ftrl of Keras 3.15, and to
 * tf_keras.optimizers.legacy.Ftrl of 2.21. The weights that it starts with count only for where the first gradient is taken.
 */
export function ftrl(options: FtrlOptions = {}): Optimizer {
  const none = { default: 0, min: 0 };
  const settings = settingsOf('ftrl', options, {
    learningRatePower: { default: -0.5, min: -Number.MAX_VALUE, max: 0 },
    initialAccumulator: { default: 0.1, min: 0 },
    l1: none,
    l2: none,
    l2Shrinkage: none,
    beta: none,
  });
  const { learningRatePower, initialAccumulator, l1, l2, l2Shrinkage, beta } = settings;
  return {
    name: 'ftrl',
    settings,
    learningRate: options.learningRate ?? 0.001,
    slots: [
      { name: 'accumulator', initial: initialAccumulator },
      { name: 'linear', initial: 0 },
    ],
    apply(kernel, { weights, gradients, slots: [accumulator, linear], count }, rate) {
      // Everything is divided by it: an update at no rate, as where a warm-up begins, leaves all as it is.
      if (rate === 0) return;
      const strength2 = 2 * (l2 + (beta === 0 ? 0 : beta / (2 * rate)));
      kernel.applyFtrl!(
        weights,
        gradients,
        accumulator!,
        linear!,
        count,
        rate,
        -learningRatePower,
        l1,
        strength2,
        2 * l2Shrinkage,
      );
    },
  };
}

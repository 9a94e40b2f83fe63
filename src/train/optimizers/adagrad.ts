import { type LearningRate, type Optimizer, settingsOf } from './optimizer.js';

export interface AdagradOptions {
  /** Default 0.001. */
  readonly learningRate?: LearningRate;
  /** What the sums of squared gradients begin with. Default 0.1. */
  readonly initialAccumulator?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
}

/** Duchi et al., JMLR 12 (2011): equal to keras.optimizers.Adagrad of Keras 3.15, and to tf_keras.optimizers.legacy.Adagrad of 2.21. */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const settings = settingsOf('adagrad', options, {
    initialAccumulator: { default: 0.1, min: 0 },
    epsilon: { default: 1e-7, min: 0 },
  });
  return {
    name: 'adagrad',
    settings,
    learningRate: options.learningRate ?? 0.001,
    slots: [{ name: 'accumulator', initial: settings.initialAccumulator }],
    apply(kernel, { weights, gradients, slots: [accumulator], count }, rate) {
      kernel.applyAdagrad!(weights, gradients, accumulator!, count, rate, settings.epsilon);
    },
  };
}

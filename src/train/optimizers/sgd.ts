import { type LearningRate, type Optimizer, settingsOf } from './optimizer.js';

export interface SgdOptions {
  /** Default 0.01. */
  readonly learningRate?: LearningRate;
  /** The share of its velocity that a weight keeps, 0 (default) to 1. */
  readonly momentum?: number;
  /** Nesterov's momentum. Default false. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent, with momentum or without: equal to keras.optimizers.SGD of Keras 3.15. */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum } = settingsOf('sgd', options, { momentum: { default: 0, min: 0, max: 1 } }, ['nesterov']);
  const nesterov = Number(options.nesterov ?? false);
  return {
    name: 'sgd',
    settings: { momentum, nesterov },
    learningRate: options.learningRate ?? 0.01,
    slots: momentum === 0 ? [] : [{ name: 'momentum', initial: 0 }],
    apply(kernel, { weights, gradients, slots: [velocity], count }, rate) {
      if (velocity === undefined) kernel.applySgd!(weights, gradients, count, rate);
      else kernel.applyMomentum!(weights, gradients, velocity, count, rate, momentum, nesterov);
    },
  };
}

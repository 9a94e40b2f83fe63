import { type LearningRate, type Optimizer, settingsOf } from './optimizer.js';

export interface AdamOptions {
  /** Default 0.001. */
  readonly learningRate?: LearningRate;
  /** The share of the mean gradient that stays. Default 0.9. */
  readonly beta1?: number;
  /** The share of the mean square that stays. Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-7; it is added to the root. */
  readonly epsilon?: number;
  /** Divides by the largest mean square so far (Reddi et al., ICLR 2018). Default false. */
  readonly amsgrad?: boolean;
}

export interface AdamWOptions extends AdamOptions {
  /** The share of itself, times the learning rate, that a weight loses with each update. Default 0.004. */
  readonly weightDecay?: number;
}

/** Kingma and Ba (arXiv:1412.6980): equal to keras.optimizers.Adam of Keras 3.15. */
export function adam(options: AdamOptions = {}): Optimizer {
  return make('adam', options, {});
}

/** Loshchilov and Hutter (arXiv:1711.05101): equal to keras.optimizers.AdamW of Keras 3.15. */
export function adamW(options: AdamWOptions = {}): Optimizer {
  return make('adamW', options, { weightDecay: { default: 0.004, min: 0 } });
}

function make(name: string, options: AdamOptions, more: Record<string, { default: number; min: number }>): Optimizer {
  const ranges = {
    beta1: { default: 0.9, min: 0, max: 1 },
    beta2: { default: 0.999, min: 0, max: 1 },
    epsilon: { default: 1e-7, min: 0 },
    ...more,
  };
  const settings: Record<string, number> = settingsOf(name, options, ranges, ['amsgrad']);
  const {
    beta1,
    beta2,
    epsilon,
    weightDecay = 0,
  } = settings as Record<'beta1' | 'beta2' | 'epsilon', number> & {
    weightDecay?: number;
  };
  const amsgrad = options.amsgrad ?? false;
  const names = ['momentum', 'velocity', ...(amsgrad ? ['velocityHat'] : [])];
  return {
    name,
    settings: { ...settings, amsgrad: Number(amsgrad) },
    learningRate: options.learningRate ?? 0.001,
    slots: names.map((slot) => ({ name: slot, initial: 0 })),
    apply(kernel, { weights, gradients, slots: [means, squares, maxima = 0], count }, rate, update) {
      const corrected = correctedRate(rate, beta1, beta2, update + 1);
      kernel.applyAdam!(
        weights,
        gradients,
        means!,
        squares!,
        maxima,
        count,
        corrected,
        1 - beta1,
        1 - beta2,
        epsilon,
        weightDecay,
        rate,
      );
    },
  };
}

/** In float32 throughout, as TensorFlow does it: near the first update 1 - beta2^t keeps only a few digits, and these must be its. */
function correctedRate(rate: number, beta1: number, beta2: number, updates: number): number {
  const f = Math.fround;
  const rest = (beta: number): number => f(1 - f(f(beta) ** updates));
  return f(f(f(rate) * f(Math.sqrt(rest(beta2)))) / rest(beta1));
}

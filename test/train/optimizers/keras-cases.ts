import { readFileSync } from 'node:fs';
import { TrainMemory } from '../../../src/train/kernel/train-memory.js';
import {
  adagrad,
  adam,
  adamW,
  type Clipping,
  clip,
  ftrl,
  normOf,
  type Optimizer,
  OptimizerSet,
  rmsProp,
  sgd,
} from '../../../src/train/optimizers/index.js';
import { layOut } from '../../../src/train/parameters.js';
import { randomOf } from '../../random.mjs';

/** What test/interop/tensorflow_train.py prints. */
export interface KerasResults {
  versions: { keras: string; tensorflow: string };
  optimizers: Record<string, number[][]>;
  metrics: Record<string, number>;
  schedules: Record<string, number[]>;
}

/** Keras 3.15.1 and TensorFlow 2.21.0, kept. */
export const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/keras.json', import.meta.url), 'utf8'),
) as KerasResults;

const COUNT = 37;
const KEPT = [1, 2, 10, 100];

const momentum = { learningRate: 0.1, momentum: 0.9 };
const wide = ftrl({ learningRate: 0.05, l1: 0.5 });
const ftrlAll = {
  learningRatePower: -0.3,
  initialAccumulator: 0.2,
  l1: 0.02,
  l2: 0.1,
  l2Shrinkage: 0.05,
  beta: 0.1,
};

/** Our optimizers under the names of that script. */
const CASES: Record<string, Optimizer> = {
  sgd: sgd({ learningRate: 0.1 }),
  momentum: sgd(momentum),
  nesterov: sgd({ ...momentum, nesterov: true }),
  adagrad: adagrad({ learningRate: 0.05 }),
  adagradLegacy: adagrad({ learningRate: 0.05 }),
  rmsProp: rmsProp({ learningRate: 0.01 }),
  rmsPropMomentum: rmsProp({ learningRate: 0.01, rho: 0.8, momentum: 0.5 }),
  rmsPropCentered: rmsProp({ learningRate: 0.01, centered: true, momentum: 0.3, epsilon: 1e-3 }),
  adam: adam({ learningRate: 0.01 }),
  adamAmsgrad: adam({ learningRate: 0.01, beta1: 0.8, beta2: 0.99, amsgrad: true }),
  adamW: adamW({ learningRate: 0.01, weightDecay: 0.02 }),
  ftrl: wide,
  ftrlLegacy: wide,
  ftrlAll: ftrl({ learningRate: 0.05, ...ftrlAll }),
  clipnorm: sgd({ learningRate: 0.1 }),
  clipvalue: sgd({ learningRate: 0.1 }),
};
const CLIPPING: Record<string, Clipping> = { clipnorm: { globalNorm: 1 }, clipvalue: { value: 0.3 } };

/** The same training as that script's, by our kernels: weights after some of the steps. */
export function trained(name: string): number[][] {
  const draw = randomOf(7);
  const array = (): number[] => Array.from({ length: COUNT }, () => Math.fround((draw() - 0.5) * 2));
  const memory = new TrainMemory();
  const weights = memory.array(Float32Array, COUNT);
  const gradients = memory.array(Float32Array, COUNT);
  weights.set(array());
  const set = new OptimizerSet(memory, layOut([{ name: 'w', shape: [COUNT] }]), CASES[name]!);
  const kept: number[][] = [];
  for (let step = 1; step <= 100; step++) {
    const scale = Math.fround(4 / step);
    gradients.set(array().map((value, i) => (i % 8 === step % 8 ? 0 : value * scale)));
    clip(memory.kernel, gradients, normOf(memory.kernel, gradients), CLIPPING[name] ?? {});
    set.apply(weights, gradients, step - 1, { worldSize: 1, history: [] });
    if (KEPT.includes(step)) kept.push([...weights]);
  }
  return kept;
}

/** The first value that differs by more than 1e-7 + 1e-5 of Keras'. */
export function firstDifference(ours: readonly number[][], theirs: readonly number[][]): object | undefined {
  for (const [at, values] of theirs.entries()) {
    for (const [i, expected] of values.entries()) {
      const value = ours[at]![i]!;
      if (!(Math.abs(value - expected) <= 1e-7 + 1e-5 * Math.abs(expected))) return { at, i, value, expected };
    }
  }
  return undefined;
}

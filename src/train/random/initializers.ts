import { elementsOf } from '../parameters.js';
import { layerKey, uniformAt } from './random-rows.js';

/** How weights begin, named as in Keras; `uniform` and `normal` by their bounds, and mean and deviation. */
export type Initializer =
  | 'zeros'
  | 'ones'
  | 'glorotUniform'
  | 'glorotNormal'
  | 'heUniform'
  | 'heNormal'
  | 'lecunUniform'
  | 'lecunNormal'
  | { readonly constant: number }
  | { readonly uniform: readonly [min: number, max: number] }
  | { readonly normal: readonly [mean: number, deviation: number] };

/** Initial weights have a step of their own, so that no dropout repeats them. */
const INITIAL_STEP = 0xffffffff;
/** The deviation of the standard normal distribution cut off at two, by which the cut one is scaled up again (as in Keras). */
const CUT_DEVIATION = 0.8796256610342398;

/**
 * Weights of a parameter: they follow from the seed, its name and its shape. Shapes are as in Keras: (in, out), and (..., in, out) for
 * convolutions. Normal ones are cut off at two deviations where their scale follows from the shape.
 */
export function initialize(
  target: Float32Array,
  shape: readonly number[],
  initializer: Initializer,
  { seed, name }: { seed: number; name: string },
): void {
  if (initializer === 'zeros' || initializer === 'ones') {
    target.fill(initializer === 'ones' ? 1 : 0);
  } else if (typeof initializer === 'object' && 'constant' in initializer) {
    target.fill(initializer.constant);
  } else {
    const layer = layerKey(name);
    const uniform = (i: number, row: number): number =>
      uniformAt(i, { seed, layer, step: INITIAL_STEP, firstRow: row });
    const draw = drawOf(initializer, shape, uniform);
    for (let i = 0; i < target.length; i++) target[i] = draw(i);
  }
}

type Random = Exclude<Initializer, 'zeros' | 'ones' | { readonly constant: number }>;

function drawOf(
  initializer: Random,
  shape: readonly number[],
  uniform: (i: number, row: number) => number,
): (i: number) => number {
  if (typeof initializer === 'object') {
    if ('uniform' in initializer) {
      const [min, max] = initializer.uniform;
      return (i) => min + (max - min) * uniform(i, 0);
    }
    const [mean, deviation] = initializer.normal;
    return (i) => mean + deviation * normal(i, 0, uniform);
  }
  const variance = varianceOf(initializer, shape);
  if (initializer.endsWith('Uniform')) {
    const limit = Math.sqrt(3 * variance);
    return (i) => limit * (2 * uniform(i, 0) - 1);
  }
  const deviation = Math.sqrt(variance) / CUT_DEVIATION;
  return (i) => {
    let row = 0;
    let value = normal(i, row, uniform);
    while (Math.abs(value) > 2) {
      row += 2;
      value = normal(i, row, uniform);
    }
    return deviation * value;
  };
}

function varianceOf(initializer: Exclude<Random, object>, shape: readonly number[]): number {
  const receptive = elementsOf(shape.slice(0, -2));
  const into = receptive * (shape.at(-2) ?? shape.at(-1) ?? 1);
  const out = receptive * (shape.at(-1) ?? 1);
  if (initializer.startsWith('glorot')) return 2 / Math.max(2, into + out);
  return (initializer.startsWith('he') ? 2 : 1) / Math.max(1, into);
}

/** Box and Muller's normal number of two uniform ones. */
function normal(i: number, row: number, uniform: (i: number, row: number) => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform(i, row))) * Math.cos(2 * Math.PI * uniform(i, row + 1));
}

import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import type { Tf } from './load-tf.js';
import type { Call, Layer, TfRun } from './patch-layers.js';

export interface BatchNormalization extends Layer {
  readonly axis: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly gamma?: tfjs.LayerVariable | null;
  readonly beta?: tfjs.LayerVariable | null;
  readonly movingMean: tfjs.LayerVariable;
  readonly movingVariance: tfjs.LayerVariable;
}

/** Of each channel, by the rows of a step. */
interface Statistics {
  readonly count: number;
  readonly means: Float64Array;
  readonly variances: Float64Array;
}

/** What the layer does in place of its own: statistics may be of all ranks' rows, and a frozen layer takes the moving ones, as in Keras. */
export function batchNormCall(tf: Tf, layer: BatchNormalization, run: () => TfRun): Call {
  const { epsilon, momentum, movingMean, movingVariance } = layer;
  const move = (variable: tfjs.LayerVariable, values: Float64Array): void => {
    const value = tf.tensor1d(Float32Array.from(values));
    variable.write(tf.add(tf.mul(variable.read(), momentum), tf.mul(value, 1 - momentum)));
  };
  return (inputs, kwargs) =>
    tf.tidy(() => {
      const input = Array.isArray(inputs) ? inputs[0]! : inputs;
      const axis = layer.axis < 0 ? layer.axis + input.rank : layer.axis;
      const spread = (tensor: Tensor): Tensor => tf.reshape(tensor, alongAxis(input, axis));
      let normal: Tensor;
      if (kwargs.training === true && layer.trainable) {
        const { value, statistics } = normalize(tf, input, axis, epsilon, run());
        normal = value;
        if (statistics.count > 0) {
          move(movingMean, statistics.means);
          move(movingVariance, statistics.variances);
        }
      } else {
        const inverse = tf.rsqrt(tf.add(movingVariance.read(), epsilon));
        normal = tf.mul(tf.sub(input, spread(movingMean.read())), spread(inverse));
      }
      const scaled = layer.gamma == null ? normal : tf.mul(normal, spread(layer.gamma.read()));
      return layer.beta == null ? scaled : tf.add(scaled, spread(layer.beta.read()));
    });
}

function alongAxis({ shape }: Tensor, axis: number): number[] {
  return shape.map((length, i) => (i === axis ? length : 1));
}

/** (x - mean) / sqrt(variance + epsilon) for each channel, with its gradient through the statistics. */
function normalize(
  tf: Tf,
  input: Tensor,
  axis: number,
  epsilon: number,
  { reduce, empty }: TfRun,
): { value: Tensor; statistics: Statistics } {
  const width = input.shape[axis]!;
  const others = input.shape.map((_, i) => i).filter((i) => i !== axis);
  const count = empty ? 0 : input.size / width;
  const tensorOf = (value: (c: number) => number): Tensor =>
    tf.reshape(tf.tensor1d(Float32Array.from({ length: width }, (_, c) => value(c))), alongAxis(input, axis));
  /** Adds up pairs of numbers of each channel over the ranks, and how many values they are of. */
  const total = (first: (c: number) => number, second: (c: number) => number): Float64Array => {
    const sums = new Float64Array(2 * width + 1);
    for (let c = 0; c < width && count > 0; c++) {
      sums[c] = first(c);
      sums[width + c] = second(c);
    }
    sums[2 * width] = count;
    reduce?.(sums);
    return sums;
  };
  let statistics: Statistics | undefined;
  const value = tf.customGrad((tensor, saved) => {
    const x = tensor as Tensor;
    const save = saved as (tensors: Tensor[]) => void;
    const mean = tf.mean(x, others, true);
    const own = mean.dataSync();
    const squares = tf.sum(tf.square(tf.sub(x, mean)), others).dataSync();
    const sums = total(
      (c) => own[c]! * count,
      (c) => squares[c]! + count * own[c]! ** 2,
    );
    const all = Math.max(sums[2 * width]!, 1);
    const means = sums.slice(0, width).map((sum) => sum / all);
    const variances = sums.slice(width, 2 * width).map((sum, c) => Math.max(sum / all - means[c]! ** 2, 0));
    statistics = { count: sums[2 * width]!, means, variances };
    const inverse = tensorOf((c) => 1 / Math.sqrt(variances[c]! + epsilon));
    const normal = tf.mul(
      tf.sub(
        x,
        tensorOf((c) => means[c]!),
      ),
      inverse,
    );
    save([normal, inverse]);
    const gradFunc = (dy: Tensor, kept: Tensor[]): Tensor => {
      const [before, scale] = kept as [Tensor, Tensor];
      const gradients = tf.sum(dy, others).dataSync();
      const products = tf.sum(tf.mul(dy, before), others).dataSync();
      const back = total(
        (c) => gradients[c]!,
        (c) => products[c]!,
      );
      const rest = tf.sub(
        dy,
        tensorOf((c) => back[c]! / all),
      );
      return tf.mul(
        tf.sub(
          rest,
          tf.mul(
            before,
            tensorOf((c) => back[width + c]! / all),
          ),
        ),
        scale,
      );
    };
    return { value: normal, gradFunc };
  })(input);
  return { value, statistics: statistics! };
}

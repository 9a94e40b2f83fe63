import type { PlannedLayer } from '../model-plan.js';
import { type Layer, type LayerTools, type Matrix, newMatrix } from './layer.js';

/**
 * y = (x - mean) / sqrt(variance + epsilon) gamma + beta, mean and (population) variance of the batch's rows in training, else the moving
 * ones, which each step in training brings nearer to the batch's by 1 - momentum. A frozen layer always takes the moving ones, as Keras.
 */
export function batchNorm(
  tools: LayerTools,
  input: Matrix,
  plan: PlannedLayer & { type: 'batchNormalization' },
): Layer {
  const { kernel, reduce } = tools;
  const { units: width, momentum, epsilon, parameters, frozen } = plan;
  const { stride } = input;
  const view = (role: string, addressOf: (name: string) => number): Float32Array | undefined => {
    const parameter = parameters.find((one) => one.role === role);
    const address = parameter === undefined ? 0 : addressOf(parameter.name);
    return address === 0 ? undefined : tools.floats(address, width);
  };
  const gamma = view('gamma', tools.parameter);
  const beta = view('beta', tools.parameter);
  const movingMean = view('moving_mean', tools.parameter)!;
  const movingVariance = view('moving_variance', tools.parameter)!;
  const gammaGradient = view('gamma', tools.gradient);
  const betaGradient = view('beta', tools.gradient);
  const wanted = input.gradient !== 0 || gammaGradient !== undefined || betaGradient !== undefined;
  const made = newMatrix(tools, width, wanted && input.gradient === 0);
  // The gradient is changed in place where the input has one.
  const output = { ...made, gradient: made.gradient || input.gradient };
  const padded = (): Float32Array => tools.floats(tools.alloc(stride * 4), stride);
  const [mean, inverse, scale, shift] = [padded(), padded(), padded(), padded()];
  const [meanGradient, meanProduct] = [padded(), padded()];
  // Sums, sums of squares or products, and the number of rows.
  const sums = tools.doubles(tools.alloc((2 * stride + 1) * 8), 2 * stride + 1);
  let count = 0;

  const useStatistics = (): void => {
    for (let c = 0; c < width; c++) {
      const average = sums[c]! / count;
      const variance = Math.max(sums[stride + c]! / count - average * average, 0);
      mean[c] = average;
      inverse[c] = 1 / Math.sqrt(variance + epsilon);
      movingMean[c] = movingMean[c]! * momentum + average * (1 - momentum);
      movingVariance[c] = movingVariance[c]! * momentum + variance * (1 - momentum);
    }
  };
  const useMoving = (): void => {
    for (let c = 0; c < width; c++) {
      mean[c] = movingMean[c]!;
      inverse[c] = 1 / Math.sqrt(movingVariance[c]! + epsilon);
    }
  };
  const total = (rows: number): number => {
    sums[2 * stride] = rows;
    reduce?.(sums);
    return sums[2 * stride]!;
  };
  return {
    output,
    forward({ rows, training }) {
      if (training && !frozen) {
        kernel.columnMoments!(input.at, stride, rows, width, sums.byteOffset);
        count = total(rows);
        if (count === 0) return;
        useStatistics();
      } else {
        useMoving();
      }
      for (let c = 0; c < width; c++) {
        scale[c] = gamma === undefined ? inverse[c]! : gamma[c]! * inverse[c]!;
        shift[c] = beta?.[c] ?? 0;
      }
      const addresses = [mean.byteOffset, scale.byteOffset, shift.byteOffset] as const;
      kernel.normalizeColumns!(input.at, output.at, stride, rows, width, ...addresses);
    },
    backward({ rows }) {
      if (output.gradient === 0) return;
      if (!frozen) {
        const statistics = [mean.byteOffset, inverse.byteOffset] as const;
        kernel.columnGradients!(input.at, output.gradient, stride, rows, width, ...statistics, sums.byteOffset);
        for (let c = 0; c < width; c++) {
          if (betaGradient !== undefined) betaGradient[c] = sums[c]!;
          if (gammaGradient !== undefined) gammaGradient[c] = sums[stride + c]!;
        }
        if (input.gradient === 0) return;
        total(rows);
        for (let c = 0; c < width && count > 0; c++) {
          meanGradient[c] = sums[c]! / count;
          meanProduct[c] = sums[stride + c]! / count;
        }
      }
      kernel.normalizeGradients!(
        input.at,
        output.gradient,
        stride,
        rows,
        width,
        mean.byteOffset,
        inverse.byteOffset,
        scale.byteOffset,
        meanGradient.byteOffset,
        meanProduct.byteOffset,
      );
    },
  };
}

import type { Tensor } from '@tensorflow/tfjs';
import { ShardfeedError } from '../../../errors.js';
import type { Tf } from './load-tf.js';
import type { Layer } from './patch-layers.js';

type Shape = (number | null)[];

/**
 * What a first step failed with, as an error that names the layer: each layer is tried alone, forward and back.
 * @param rows of the failed step
 */
export function explainFailure(tf: Tf, layers: readonly Layer[], rows: number, cause: unknown): ShardfeedError {
  for (const layer of layers) {
    const failure = tryLayer(tf, layer, rows);
    if (failure === undefined) continue;
    const what = `layer ${layer.name} (${layer.getClassName()}) cannot be trained with TensorFlow.js' backend ${tf.getBackend()}: ${failure.message}`;
    return new ShardfeedError('SHARDFEED_UNSUPPORTED', what, { cause });
  }
  const what = `the model cannot be trained with TensorFlow.js' backend ${tf.getBackend()}: ${(cause as Error).message}`;
  return new ShardfeedError('SHARDFEED_UNSUPPORTED', what, { cause });
}

function tryLayer(tf: Tf, layer: Layer, rows: number): Error | undefined {
  if (layer.getClassName() === 'InputLayer') return undefined;
  try {
    tf.tidy(() => {
      const given = layer.inboundNodes[0]!.inputShapes as Shape | Shape[];
      const shapes = Array.isArray(given[0]) ? (given as Shape[]) : [given as Shape];
      const inputs = shapes.map((one) => tf.variable(tf.zeros(one.map((length) => length ?? rows))));
      const call = (): Tensor => {
        const output = layer.apply(inputs.length === 1 ? inputs[0]! : inputs, { training: true }) as Tensor | Tensor[];
        return tf.sum(Array.isArray(output) ? output[0]! : output).asScalar();
      };
      call();
      const own = layer.trainableWeights.map((weight) => weight.read() as ReturnType<Tf['variable']>);
      if (layer.getClassName() !== 'Embedding') own.push(...inputs);
      tf.variableGrads(call as Parameters<Tf['variableGrads']>[0], own);
      for (const input of inputs) input.dispose();
    });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { ShardfeedError } from '../../../errors.js';
import type { TrainMemory } from '../../kernel/train-memory.js';
import { fillDropout, layerKey } from '../../random/index.js';
import { type BatchNormalization, batchNormCall } from './batch-norm-layer.js';
import type { Tf } from './load-tf.js';

export type Layer = tfjs.layers.Layer;

/** What patched layers need to know of the step that they are called in. */
export interface TfRun {
  readonly rows: number;
  readonly rowNumbers: Uint32Array;
  readonly seed: number;
  readonly step: number;
  /** Adds up over the ranks; absent where batch statistics are a rank's own. */
  readonly reduce?: ((sums: Float64Array) => void) | undefined;
  /** The one row there is stands for none: a rank without rows joins the collectives all the same. */
  readonly empty: boolean;
}

export type Call = (inputs: Tensor | Tensor[], kwargs: Record<string, unknown>) => Tensor | Tensor[];

const RANDOM = ['GaussianNoise', 'GaussianDropout', 'AlphaDropout', 'SpatialDropout1D'];

/** All layers, those of models within the model too. */
export function allLayers(layers: readonly Layer[]): Layer[] {
  return layers.flatMap((layer) => {
    const nested = (layer as Layer & { layers?: Layer[] }).layers;
    return nested === undefined ? [layer] : allLayers(nested);
  });
}

/**
 * Gives dropouts our masks, which follow from the rows' numbers, and batch normalisations statistics that may be all ranks'. The function
 * that comes back undoes it.
 * @throws SHARDFEED_UNSUPPORTED naming a layer whose randomness is its own
 */
export function patchLayers(tf: Tf, layers: readonly Layer[], memory: TrainMemory, run: () => TfRun): () => void {
  const patched: Layer[] = [];
  for (const layer of layers) {
    const kind = layer.getClassName();
    refuseOwnRandomness(layer, kind);
    const call =
      kind === 'Dropout'
        ? dropoutCall(tf, layer, memory, run)
        : kind === 'BatchNormalization'
          ? batchNormCall(tf, layer as BatchNormalization, run)
          : undefined;
    if (call === undefined) continue;
    // The layer's own stays in its prototype.
    (layer as unknown as { call?: Call }).call = call;
    patched.push(layer);
  }
  return () => {
    for (const layer of patched) delete (layer as unknown as { call?: Call }).call;
  };
}

function refuseOwnRandomness(layer: Layer, kind: string): void {
  const { dropout, recurrentDropout, noiseShape } = layer.getConfig() as Record<string, unknown>;
  const inside = [dropout, recurrentDropout].some((rate) => typeof rate === 'number' && rate > 0);
  if (!RANDOM.includes(kind) && !inside && noiseShape == null) return;
  const what = `layer ${layer.name} (${kind}) draws random numbers that would depend on the number of ranks: use dropout layers, without noiseShape`;
  throw new ShardfeedError('SHARDFEED_UNSUPPORTED', what);
}

function dropoutCall(tf: Tf, layer: Layer, memory: TrainMemory, run: () => TfRun): Call {
  const { rate } = layer.getConfig() as { rate: number };
  const key = layerKey(layer.name);
  let factors = new Float32Array(0);
  return (inputs, kwargs) => {
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    if (kwargs.training !== true || rate === 0) return input;
    const { rows, rowNumbers, seed, step } = run();
    if (factors.length < input.size) factors = memory.array(Float32Array, input.size * 2);
    const columns = input.size / input.shape[0]!;
    for (let row = 0; row < rows; ) {
      const firstRow = rowNumbers[row]!;
      let end = row + 1;
      while (end < rows && rowNumbers[end] === firstRow + end - row) end++;
      const target = factors.subarray(row * columns, end * columns);
      fillDropout(memory.kernel, target, columns, { seed, layer: key, step, firstRow }, rate);
      row = end;
    }
    return tf.mul(input, tf.tensor(factors.slice(0, input.size), input.shape));
  };
}

import type * as tfjs from '@tensorflow/tfjs';
import { loadPeer } from '../../../dataset/adapters/load-peer.js';
import { ShardfeedError } from '../../../errors.js';
import { registerSegmentSum } from './segment-sum.js';

export type Tf = typeof tfjs;

/** Where TensorFlow.js computes: SIMD in WASM, plain JavaScript, or libtensorflow. */
export type TfBackend = 'wasm' | 'cpu' | 'tensorflow';

/** TensorFlow.js, the user's own copy. @throws SHARDFEED_UNSUPPORTED where it is not installed */
export function loadTf(): Promise<Tf> {
  return load<Tf>('@tensorflow/tfjs');
}

/** Makes it compute there. @throws SHARDFEED_UNSUPPORTED for a backend that is not installed */
export async function useBackend(tf: Tf, backend: TfBackend): Promise<void> {
  if (backend === 'wasm') await load('@tensorflow/tfjs-backend-wasm');
  if (backend === 'tensorflow') await load('@tensorflow/tfjs-node');
  if (!(await tf.setBackend(backend))) {
    throw new ShardfeedError('SHARDFEED_UNSUPPORTED', `TensorFlow.js cannot compute with its backend ${backend} here`);
  }
  await tf.ready();
  if (backend === 'wasm') registerSegmentSum(tf);
}

function load<M>(name: string): Promise<M> {
  return loadPeer<M>(name, 'training a tf.LayersModel');
}

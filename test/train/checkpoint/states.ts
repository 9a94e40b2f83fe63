import type { Checkpoint, CheckpointInfo } from '../../../src/train/checkpoint/index.js';

/** A small state whose numbers follow from its step. */
export function stateOf(step: number, info: Partial<CheckpointInfo> = {}): Checkpoint {
  const weights = Float32Array.from({ length: 300 }, (_, i) => step + i / 7);
  return {
    info: { step, epoch: Math.floor(step / 100), seed: 7, worldSize: 2, ...info },
    tensors: {
      'weights/dense/kernel': { shape: [30, 10], values: weights },
      'optimizer/adam/m/dense/kernel': { shape: [30, 10], values: weights.map((x) => -x) },
      counts: { shape: [2], values: Float64Array.of(step, 0.1) },
      random: { shape: [3], values: Int32Array.of(step, -1, 2) },
    },
  };
}

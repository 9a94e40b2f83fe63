import { own } from '../../own-properties.js';
import type { Checkpoint, CheckpointTensors } from '../checkpoint/index.js';
import type { MetricCounts } from '../metrics/index.js';

/** Begins the names of tensors that hold the ranks' counts of the epoch under way. */
export const COUNTS = 'ranks/metrics';

/** The ranks' counts, a tensor a metric: a training may go on with other metrics. */
export function countTensors({ parts, counts }: MetricCounts, all: Float64Array): CheckpointTensors {
  let from = 0;
  const tensors = parts.map(({ name, size }) => {
    const at = from;
    from += size;
    const ranks = all.length / counts.length;
    const values = Float64Array.from({ length: ranks * size }, (_, i) => {
      return all[Math.floor(i / size) * counts.length + at + (i % size)]!;
    });
    return [`${COUNTS}/${name}`, { shape: [ranks, size], values }] as const;
  });
  return Object.fromEntries(tensors);
}

/** The ranks' counts, one behind the other; those of a metric that the checkpoint does not know begin here. */
export function countsOf({ tensors, info }: Checkpoint, { parts, counts }: MetricCounts): Float64Array<ArrayBuffer> {
  const all = new Float64Array(info.worldSize * counts.length);
  let at = 0;
  for (const { name, size } of parts) {
    const { shape = [], values } = own(tensors, `${COUNTS}/${name}`) ?? {};
    if (shape[0] === info.worldSize && shape[1] === size) {
      for (let i = 0; i < values!.length; i++)
        all[Math.floor(i / size) * counts.length + at + (i % size)] = values![i]!;
    }
    at += size;
  }
  return all;
}

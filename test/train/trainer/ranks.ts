import type { Batch } from '../../../src/records/batch.js';
import type { ProcessGroup } from '../../../src/train/collective/process-group.js';
import { compileModel, type ModelSpec } from '../../../src/train/model/index.js';
import { sgd } from '../../../src/train/optimizers/index.js';
import { type BatchSource, type FitOptions, type FitResult, fit as train } from '../../../src/train/trainer/index.js';
import { rowsOf, someBatch } from '../model/batches.js';
import { groupsHere } from '../support/groups.js';

/** Dense layers alone: what they compute does not depend on how rows are dealt. */
export const DENSE: ModelSpec = {
  towers: [
    {
      inputs: [{ column: 'x', width: 4 }, 'y'],
      layers: [
        { type: 'dense', units: 8, activation: 'relu' },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    },
  ],
  loss: 'binaryCrossentropy',
  labels: ['label'],
  sampleWeights: 'weight',
  seed: 3,
};

/** The same rows in global batches of `size`, of which a rank takes its share; some rows do not count. */
export function shares(size: number, count = 6): BatchSource {
  const all = Array.from({ length: count }, (_, i) => someBatch(size, i + 1, (row) => Number((row + i) % 5 !== 0)));
  return ({ rank, worldSize }) => all.map((batch) => shareOf(batch, rank, worldSize));
}

export function shareOf(batch: Batch, rank: number, worldSize: number): Batch {
  const [from, to] = [rank, rank + 1].map((r) => Math.floor((r * batch.size) / worldSize)) as [number, number];
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  return { ...rowsOf(batch, rows), mask: batch.mask.slice(from, to) };
}

export const options = {
  model: compileModel(DENSE),
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  batches: shares(60),
  handleSignals: false,
} satisfies Partial<FitOptions>;

/** Trains on so many ranks of this thread; by rank. */
export async function fitHere(
  worldSize: number,
  given: Partial<FitOptions> | ((rank: number) => Partial<FitOptions>) = {},
  groups: ProcessGroup[] = groupsHere(worldSize),
): Promise<FitResult[]> {
  return Promise.all(
    groups.map((group, rank) => train({ ...options, ...(typeof given === 'function' ? given(rank) : given), group })),
  );
}

export function weightsOf({ model }: FitResult): number[] {
  return [...model.weights];
}

/** The largest difference, relative to the larger of 1 and the values. */
export function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.NaN;
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!) / Math.max(1, Math.abs(value))));
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { ModelSpec } from '../../../src/train/model/spec.js';
import { freePort } from '../collective/free-port.js';

const run = promisify(execFile);
const script = fileURLToPath(new URL('sync-rank.mjs', import.meta.url));

const SPEC: ModelSpec = {
  towers: [
    {
      inputs: [{ column: 'x', width: 4 }],
      layers: [
        { type: 'batchNormalization' },
        { type: 'dense', units: 12, activation: 'tanh' },
        { type: 'batchNormalization' },
        { type: 'dropout', rate: 0.2 },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    },
  ],
  loss: 'binaryCrossentropy',
  labels: ['label'],
};

async function train(worldSize: number, spec: ModelSpec): Promise<{ weights: number[]; state: number[] }[]> {
  const port = await freePort();
  const ranks = Array.from({ length: worldSize }, async (_, rank) => {
    const args = [script, rank, worldSize, port].map(String);
    const { stdout } = await run(process.execPath, [...args, JSON.stringify(spec)]);
    return JSON.parse(stdout) as { weights: number[]; state: number[] };
  });
  return Promise.all(ranks);
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!) / (1 + Math.abs(value))));
}

// Statistics are reduced while the rank's thread waits, in both directions: each rank needs a process.
test('with batch statistics of all ranks, any number of them trains the same model, dropout included', async () => {
  const spec: ModelSpec = { ...SPEC, batchNorm: 'sync' };
  const [alone] = await train(1, spec);
  for (const worldSize of [2, 3, 4]) {
    const ranks = await train(worldSize, spec);
    for (const { weights, state } of ranks) {
      expect(weights).toEqual(ranks[0]!.weights);
      expect(distance(weights, alone!.weights)).toBeLessThan(1e-4);
      expect(distance(state, alone!.state)).toBeLessThan(1e-4);
    }
  }
  // Statistics of a rank's own rows make another model.
  const [local] = await train(2, SPEC);
  expect(distance(local!.weights, alone!.weights)).toBeGreaterThan(1e-4);
});

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { firstDifference, golden, type KerasResults, trained } from '../train/optimizers/keras-cases.js';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
let live: KerasResults;

beforeAll(async () => {
  const { stdout } = await promisify(execFile)(pathOf('../../.venv/bin/python'), [pathOf('tensorflow_train.py')]);
  live = JSON.parse(stdout) as KerasResults;
});

describe('what Keras computes here', () => {
  it('our optimizers compute', () => {
    for (const [name, weights] of Object.entries(live.optimizers)) {
      expect.soft(firstDifference(trained(name), weights), name).toBeUndefined();
    }
  });

  it('is what was kept of it for the other tests', () => {
    for (const [name, weights] of Object.entries(golden.optimizers)) {
      expect.soft(firstDifference(live.optimizers[name]!, weights), name).toBeUndefined();
    }
    for (const part of ['metrics', 'schedules'] as const) {
      for (const [name, value] of Object.entries(golden[part])) {
        for (const [i, number] of [value].flat().entries()) {
          expect.soft([live[part][name]!].flat()[i], name).toBeCloseTo(number, 6);
        }
      }
    }
  });
});

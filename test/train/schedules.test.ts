import { describe, expect, it } from 'vitest';
import type { EpochLog } from '../../src/train/history.js';
import {
  constant,
  cosineDecay,
  exponentialDecay,
  linearScaling,
  piecewise,
  polynomialDecay,
  rateAt,
  reduceOnPlateau,
  type Schedule,
  stepDecay,
  warmUp,
} from '../../src/train/schedules/index.js';
import { golden } from './optimizers/keras-cases.js';

const context = { worldSize: 4, history: [] };
const STEPS = [0, 1, 10, 11, 30, 50, 51, 99, 100, 150];

describe('learning rates', () => {
  const made: Record<string, Schedule> = {
    exponentialDecay: exponentialDecay(0.1, { steps: 30, factor: 0.5 }),
    staircase: exponentialDecay(0.1, { steps: 30, factor: 0.5, staircase: true }),
    cosineDecay: cosineDecay(0.1, { steps: 100, end: 0.005 }),
    polynomialDecay: polynomialDecay(0.1, { steps: 100, end: 0.01, power: 2 }),
    piecewise: piecewise([10, 50], [0.1, 0.05, 0.001]),
  };
  it.each(Object.keys(golden.schedules))('%s equals Keras', (name) => {
    const ours = STEPS.map((step) => rateAt(made[name]!, step, context));
    for (const [i, value] of golden.schedules[name]!.entries()) expect(ours[i]).toBeCloseTo(value, 7);
  });

  it('stay, fall by steps, grow with the ranks, and warm up', () => {
    expect(constant(0.5)(100, context)).toBe(0.5);
    expect([0, 9, 10, 25].map((step) => stepDecay(1, { every: 10, factor: 0.5 })(step, context))).toEqual([
      1, 1, 0.5, 0.25,
    ]);
    const scaled = linearScaling(0.25);
    expect(scaled(0, context)).toBe(1);
    const warm = warmUp(scaled, { steps: 4, from: 1 / context.worldSize });
    expect([0, 2, 4, 9].map((step) => warm(step, context))).toEqual([0.25, 0.625, 1, 1]);
  });

  it('fall when a metric stays where it is', () => {
    const schedule = reduceOnPlateau(1, { patience: 2, factor: 0.5, minRate: 0.3 });
    const after = (losses: number[]): number => {
      const history: EpochLog[] = losses.map((loss, epoch) => ({ epoch, step: epoch, metrics: { loss } }));
      return schedule(7, { worldSize: 1, history });
    };
    expect([[], [3], [3, 3], [3, 3, 3], [3, 3, 3, 2, 2], [3, 3, 3, 3, 3], Array(9).fill(3)].map(after)).toEqual([
      1, 1, 1, 0.5, 0.5, 0.3, 0.3,
    ]);
  });

  it('refuse what makes no schedule', () => {
    expect(() => piecewise([5, 5], [1, 2, 3])).toThrowError(/rising boundaries/);
    expect(() => cosineDecay(1, { steps: 0 })).toThrowError(/steps of cosineDecay/);
  });
});

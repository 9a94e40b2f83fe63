import { expect, test } from 'vitest';
// Replicas' threads run built files, so the built package is what is tested here.
import { TrainMemory } from '../../../dist/train/kernel/train-memory.js';
import { type CompiledModel, compileModel } from '../../../dist/train/model/compile-model.js';
import type { ModelSpec } from '../../../src/train/model/spec.js';
import { alone, rowsOf, someBatch, WIDE_AND_DEEP } from './batches.js';

const context = { step: 3, seed: 2 ** 40 + 7, firstRow: 40 };

function replicated(spec: ModelSpec, replicas: number): CompiledModel {
  return compileModel(spec, { replicas })({ memory: new TrainMemory(), allReduceSync: (array) => array });
}

const DROPOUT: ModelSpec = {
  towers: [
    {
      inputs: [{ column: 'x', width: 4 }, 'y'],
      layers: [
        { type: 'dense', units: 24, activation: 'tanh' },
        { type: 'dropout', rate: 0.4 },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    },
  ],
  loss: 'binaryCrossentropy',
  labels: ['label'],
  sampleWeights: 'weight',
};

test('replicas compute what one thread does, from batch to batch, and the same bits each time', () => {
  for (const replicas of [2, 3]) {
    const [model, again] = [replicated(DROPOUT, replicas), replicated(DROPOUT, replicas)];
    const one = alone(DROPOUT);
    for (const [i, size] of [33, 5, 1, 0, 200].entries()) {
      const batch = someBatch(size, i, (row) => Number(row % 5 !== 2));
      const [sums, expected] = [model.step(batch, context), one.step(batch, context)];
      expect(sums.loss).toBeCloseTo(expected.loss, 4);
      expect(sums.weight).toBeCloseTo(expected.weight, 5);
      for (const [j, value] of one.gradients.entries()) expect(model.gradients[j]).toBeCloseTo(value, 3);
      expect(again.step(batch, context)).toEqual(sums);
      expect(again.gradients).toEqual(model.gradients);
      const [mine, other] = [model.lastEvaluation(), one.lastEvaluation()];
      expect([mine.labels, mine.weights]).toEqual([other.labels, other.weights]);
      for (const [j, value] of other.predictions.entries()) expect(mine.predictions[j]).toBeCloseTo(value, 6);
      const evaluated = model.evaluate(batch);
      expect(evaluated.loss).toBeCloseTo(one.evaluate(batch).loss, 4);
    }
    for (const each of [model, again]) {
      each.close();
      each.close();
    }
  }
});

test('each has batch statistics of its own rows; the moving ones are the mean', () => {
  const model = replicated(WIDE_AND_DEEP, 2);
  const halves = [alone(WIDE_AND_DEEP), alone(WIDE_AND_DEEP)];
  for (let step = 0; step < 3; step++) {
    const batch = someBatch(40, step);
    const { loss } = model.step(batch, { ...context, step });
    const parts = halves.map((half, i) => {
      return half.step(
        rowsOf(
          batch,
          Array.from({ length: 20 }, (_, row) => i * 20 + row),
        ),
        { ...context, step },
      );
    });
    expect(loss).toBeCloseTo(parts[0]!.loss + parts[1]!.loss, 4);
    for (const [i, value] of model.gradients.entries()) {
      expect(value).toBeCloseTo(halves[0]!.gradients[i]! + halves[1]!.gradients[i]!, 4);
    }
    if (step > 0) continue;
    for (const [i, value] of model.state.entries()) {
      expect(value).toBeCloseTo((halves[0]!.state[i]! + halves[1]!.state[i]!) / 2, 5);
    }
  }
  model.close();
});

test('replicas with statistics of all ranks are refused', () => {
  expect(() => compileModel({ ...WIDE_AND_DEEP, batchNorm: 'sync' }, { replicas: 2 })).toThrow(/replicas/);
  expect(() => compileModel(WIDE_AND_DEEP, { replicas: 0 })).toThrow(/got 0/);
});

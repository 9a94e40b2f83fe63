import { describe, expect, it } from 'vitest';
import type { ProcessGroup } from '../../../src/train/collective/process-group.js';
import { auc, MetricCounts, type MetricName, precision, recall } from '../../../src/train/metrics/index.js';
import type { NumericArray } from '../../../src/train/numeric-array.js';
import type { Evaluation } from '../../../src/train/step-model.js';
import { randomOf } from '../../random.mjs';
import { golden } from '../optimizers/keras-cases.js';

const BINARY: MetricName[] = ['binaryAccuracy', 'precision', 'recall', 'auc', 'logLoss', 'mae', 'mse'];
const alone = { allReduce: async (array: NumericArray) => array } as unknown as ProcessGroup;

/** The same numbers as test/interop/tensorflow_train.py makes. */
function batches(): { binary: Evaluation[]; oneHot: Evaluation[]; sparse: Evaluation[] } {
  const draw = randomOf(11);
  const array = (count: number, scale: number, shift = 0): Float32Array =>
    Float32Array.from({ length: count }, () => (draw() + shift) * scale);
  const sums = { loss: 0, weight: 0 };
  const binary = [100, 1, 355].map((rows) => {
    const predictions = array(rows, 1).map((p, i) => (i % 9 === 0 ? Math.round(p) : p));
    const labels = predictions.map((p) => Number(draw() < 0.2 + Math.fround(Math.fround(0.6) * p)));
    const weights = array(rows, 2).map((weight, i) => (i % 7 === 0 ? 0 : weight));
    return { ...sums, predictions, labels, weights };
  });
  const several = [50, 203].map((rows) => {
    const predictions = array(rows * 4, 1, 0.01);
    const labels = Float32Array.from({ length: rows }, () => Math.floor(draw() * 4));
    const oneHot = new Float32Array(rows * 4);
    for (const [row, label] of labels.entries()) oneHot[row * 4 + label] = 1;
    return { sparse: { ...sums, predictions, labels, weights: array(rows, 2) }, oneHot };
  });
  return {
    binary,
    sparse: several.map(({ sparse }) => sparse),
    oneHot: several.map(({ sparse, oneHot }) => ({ ...sparse, labels: oneHot })),
  };
}

async function resultsOf(names: MetricName[], evaluations: Evaluation[]): Promise<Record<string, number>> {
  const counts = new MetricCounts(names);
  for (const evaluation of evaluations) counts.update(evaluation);
  return counts.results(alone);
}

describe('metrics', () => {
  it('equal those of Keras', async () => {
    const { binary, oneHot, sparse } = batches();
    const ours: Record<string, number | undefined> = {
      ...(await resultsOf(BINARY, binary)),
      ...(await resultsOf(['categoricalAccuracy', 'crossEntropy'], oneHot)),
      ...(await resultsOf(['sparseCategoricalAccuracy'], sparse)),
      sparseCrossEntropy: (await resultsOf(['crossEntropy'], sparse)).crossEntropy,
    };
    for (const [name, value] of Object.entries(golden.metrics)) {
      expect.soft(ours[name], name).toBeCloseTo(value, 5);
    }
    expect((await resultsOf(['accuracy'], binary)).accuracy).toBe(ours.binaryAccuracy);
    expect((await resultsOf(['accuracy'], oneHot)).accuracy).toBe(ours.categoricalAccuracy);
    expect((await resultsOf(['accuracy'], sparse)).accuracy).toBe(ours.sparseCategoricalAccuracy);
  });

  it('are the same to the rounding of float64, however rows are divided among ranks', async () => {
    const { binary } = batches();
    const whole = await resultsOf(BINARY, binary);
    const ranks = binary.map((evaluation) => {
      const counts = new MetricCounts(BINARY);
      counts.update(evaluation);
      return counts;
    });
    const perRank: Float64Array[] = [];
    const collect = { allReduce: async (array: Float64Array) => perRank.push(array) && array };
    for (const counts of ranks) await counts.results(collect as unknown as ProcessGroup);
    const sum = perRank[0]!.map((_, i) => perRank.reduce((total, counts) => total + counts[i]!, 0));
    const summed = { allReduce: async () => sum } as unknown as ProcessGroup;
    const together = await ranks[0]!.results(summed);
    for (const [name, value] of Object.entries(whole)) expect(together[name]).toBeCloseTo(value, 12);
  });

  it('leave rows of weight 0 out, whatever they hold', async () => {
    const evaluation = {
      loss: 3,
      weight: 2,
      predictions: Float32Array.of(0.9, Number.NaN),
      labels: Float32Array.of(1, Number.NaN),
      weights: Float32Array.of(2, 0),
    };
    const { loss, ...results } = await resultsOf(BINARY, [evaluation]);
    expect(loss).toBe(1.5);
    for (const value of Object.values(results)) expect(value).not.toBeNaN();
  });

  it('are 0 where there is nothing to count', async () => {
    const results = await resultsOf(BINARY, []);
    expect(new Set(Object.values(results))).toEqual(new Set([0]));
  });

  it('have names that there are, each once', () => {
    expect(() => new MetricCounts(['acuracy' as MetricName])).toThrowError(/there is no metric "acuracy"/);
    expect(() => new MetricCounts(['auc', auc({ thresholds: 10 })])).toThrowError(/two metrics have the name auc/);
    expect(new MetricCounts([precision({ threshold: 0.9 }), recall()])).toBeDefined();
  });
});

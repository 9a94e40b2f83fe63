import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import type { MetricName } from '../../../src/train/metrics/index.js';
import { compileModel, type ModelSpec } from '../../../src/train/model/index.js';
import { sgd } from '../../../src/train/optimizers/index.js';
import { evaluate, type StepEvent } from '../../../src/train/trainer/index.js';
import { onPlateau } from '../../../src/train/triggers.js';
import { floats, someBatch } from '../model/batches.js';
import { groupsHere } from '../support/groups.js';
import { DENSE, distance, fitHere, options, shares, weightsOf } from './ranks.js';

const metrics: MetricName[] = ['accuracy', 'auc', 'precision', 'recall', 'logLoss'];
const validation = { batches: shares(33, 3) };

describe('fit', () => {
  it('tells metrics of the validation data over all ranks, the same for any number of them', async () => {
    const [alone] = await fitHere(1, { epochs: 2, metrics, validation });
    expect(Object.keys(alone!.history[1]!.metrics)).toEqual(
      expect.arrayContaining(['loss', 'val_loss', ...metrics.map((name) => `val_${name}`)]),
    );
    for (const worldSize of [2, 3]) {
      const ranks = await fitHere(worldSize, { epochs: 2, metrics, validation });
      expect(ranks.at(-1)!.history).toEqual(ranks[0]!.history);
      for (const [name, value] of Object.entries(alone!.history[1]!.metrics)) {
        expect(ranks[0]!.history[1]!.metrics[name], name).toBeCloseTo(value, 5);
      }
    }
    const [group] = groupsHere(1);
    const found = await evaluate({ model: alone!.model, group: group!, metrics, batches: validation.batches });
    expect(found.auc).toBe(alone!.history[1]!.metrics.val_auc);
  });

  it('tells metrics of the training batches as they were when they were trained on', async () => {
    const still = { optimizer: sgd({ learningRate: 0 }), metrics, validation: { batches: shares(60) } };
    for (const worldSize of [1, 3]) {
      const [result] = await fitHere(worldSize, still);
      const found = result!.history[0]!.metrics;
      for (const name of ['loss', ...metrics]) expect(found[name], name).toBeCloseTo(found[`val_${name}`]!, 6);
    }
    const [one, three] = await Promise.all([1, 3].map((worldSize) => fitHere(worldSize, { metrics, epochs: 2 })));
    const auc = ([result]: typeof one & {}): number => result!.history[1]!.metrics.auc!;
    expect(auc(three!)).toBeCloseTo(auc(one!), 5);
  });

  it('validates every so many epochs, and the last', async () => {
    const [result] = await fitHere(1, { epochs: 5, validation: { ...validation, every: 2 } });
    expect(result!.history.map(({ metrics: found }) => 'val_loss' in found)).toEqual([false, true, false, true, true]);
  });

  it('ends after epochs, steps, or when a condition says so', async () => {
    expect((await fitHere(1))[0]).toMatchObject({ step: 6, epoch: 1, ended: 'complete' });
    const [cut] = await fitHere(2, { steps: 8, validation });
    expect(cut).toMatchObject({ step: 8, epoch: 1 });
    expect(cut!.history.map(({ epoch, step }) => [epoch, step])).toEqual([
      [0, 6],
      [1, 8],
    ]);
    expect(cut!.history[1]!.metrics).toHaveProperty('val_loss');
    expect((await fitHere(1, { steps: 12 }))[0]).toMatchObject({ step: 12, epoch: 2 });
    const still = { optimizer: sgd({ learningRate: 0 }), end: onPlateau({ patience: 2 }) };
    expect((await fitHere(2, still))[0]).toMatchObject({ epoch: 3, ended: 'complete' });
  });

  it('leaves frozen parameters as they are', async () => {
    const [before] = await fitHere(1, { optimizer: sgd({ learningRate: 0 }) });
    const [after] = await fitHere(2, { frozen: ['dense'], epochs: 2 });
    const { layout } = after!.model;
    for (const { name, offset, size } of layout.parameters) {
      const [a, b] = [before!, after!].map(({ model }) => [...model.weights.subarray(offset, offset + size)]);
      if (name.startsWith('dense/')) expect(b).toEqual(a);
      else expect(b).not.toEqual(a);
    }
    await expect(fitHere(1, { frozen: ['dens'] })).rejects.toThrowError(
      /there is no parameter dens: there are dense\//,
    );
  });

  it('tells callbacks and the diagnostics channel what happens', async () => {
    const told: string[] = [];
    const steps: StepEvent[] = [];
    const listen = (message: unknown): void => void steps.push(message as StepEvent);
    subscribe('shardfeed:step', listen);
    try {
      await fitHere(1, {
        epochs: 2,
        callbacks: [
          {
            onStart: ({ step }) => told.push(`start ${step}`),
            onStep: ({ step }) => told.push(`step ${step}`),
            onEpoch: ({ epoch, step }) => told.push(`epoch ${epoch} ${step}`),
            onEnd: ({ step }) => told.push(`end ${step}`),
          },
        ],
        batches: shares(60, 2),
      });
    } finally {
      unsubscribe('shardfeed:step', listen);
    }
    expect(told).toEqual(['start 0', 'step 0', 'step 1', 'epoch 0 2', 'step 2', 'step 3', 'epoch 1 4', 'end 4']);
    expect(steps.map(({ step, rows }) => [step, rows])).toEqual([0, 1, 2, 3].map((step) => [step, 48]));
    for (const { loss, gradientNorm, stepMs, allReduceMs } of steps) {
      expect(loss).toBeGreaterThan(0);
      expect(gradientNorm).toBeGreaterThan(0);
      expect(stepMs).toBeGreaterThanOrEqual(allReduceMs);
    }
  });

  it('gives a model without batches, or options that there are not, no chance', async () => {
    await expect(fitHere(2, { batches: () => [] })).rejects.toThrowError(/epoch 0 has no batches on any rank/);
    await expect(fitHere(1, { epoch: 3 } as object)).rejects.toThrowError(
      /fit has no option "epoch": did you mean epochs/,
    );
    await expect(fitHere(1, { batches: undefined as never })).rejects.toThrowError(
      /fit takes either a dataset or batches/,
    );
    await expect(fitHere(1, { seed: -1 })).rejects.toThrowError(/a seed is a whole number/);
  });

  it('averages moving statistics for validation and at the end, and leaves the ranks their own in training', async () => {
    const [tower] = DENSE.towers;
    const model = compileModel({
      ...DENSE,
      towers: [{ ...tower!, layers: [{ type: 'batchNormalization' }, ...tower!.layers] }],
    } as ModelSpec);
    const plain = await fitHere(2, { model, epochs: 2 });
    expect([...plain[1]!.model.state]).toEqual([...plain[0]!.model.state]);
    const validated = await fitHere(2, { model, epochs: 2, validation });
    expect(weightsOf(validated[0]!)).toEqual(weightsOf(plain[0]!));
    expect([...validated[0]!.model.state]).toEqual([...plain[0]!.model.state]);
    const own = await Promise.all(
      [0, 1].map(async (rank) => {
        const [result] = await fitHere(1, {
          model,
          epochs: 2,
          optimizer: sgd({ learningRate: 0 }),
          batches: (start) => shares(60)({ ...start, rank, worldSize: 2 }),
        });
        return [...result!.model.state];
      }),
    );
    const frozen = await fitHere(2, { model, epochs: 2, optimizer: sgd({ learningRate: 0 }) });
    const mean = own[0]!.map((value, i) => (value + own[1]![i]!) / 2);
    expect(distance([...frozen[0]!.model.state], mean)).toBeLessThan(1e-6);
  });
});

describe('numbers that are not finite', () => {
  /** The second batch has weights that no float32 sum can hold. */
  const batches = () =>
    Array.from({ length: 4 }, (_, i) => {
      const batch = someBatch(20, i + 1);
      return i === 1
        ? { ...batch, columns: { ...batch.columns, weight: floats(new Float32Array(20).fill(3e38)) } }
        : batch;
    });

  it('end the training on all ranks with the step and the parameter', async () => {
    const results = await Promise.allSettled(groupsHere(2).map((group) => fitHere(1, { batches }, [group])));
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SHARDFEED_NOT_FINITE' } });
      expect(String((result as PromiseRejectedResult).reason)).toMatch(/update 1 cannot be made/);
    }
  });

  it('are left out on request, by all ranks', async () => {
    const skipped: boolean[][] = [[], []];
    const ranks = await fitHere(2, (rank) => ({
      batches: (start) => (start.rank === 0 ? batches() : batches().map((_, i) => someBatch(20, i + 9))),
      notFinite: 'skip',
      callbacks: { onStep: (event) => skipped[rank]!.push(event.skipped) },
    }));
    expect(skipped).toEqual(Array(2).fill([false, true, false, false]));
    expect(weightsOf(ranks[1]!)).toEqual(weightsOf(ranks[0]!));
    expect(weightsOf(ranks[0]!).every(Number.isFinite)).toBe(true);
    expect(ranks[0]!.step).toBe(4);
    expect(ranks[0]!.history[0]!.metrics.loss).toBeGreaterThan(0);
    expect(options.optimizer.name).toBe('sgd');
  });
});

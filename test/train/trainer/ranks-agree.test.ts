import { describe, expect, it } from 'vitest';
import type { ProcessGroup } from '../../../src/train/collective/process-group.js';
import { compileModel } from '../../../src/train/model/index.js';
import { sgd } from '../../../src/train/optimizers/index.js';
import { someBatch } from '../model/batches.js';
import { groupsHere } from '../support/groups.js';
import { DENSE, distance, fitHere, shareOf, shares, weightsOf } from './ranks.js';

const WORLDS = [2, 3, 4];
/** One step of this moves the weights by the gradient. */
const oneStep = { optimizer: sgd({ learningRate: 1 }), steps: 1 };

describe('the ranks', () => {
  it.each(WORLDS)('%i of them come to the weights and losses of one, and to the same bits', async (worldSize) => {
    const [alone] = await fitHere(1, { epochs: 3 });
    const ranks = await fitHere(worldSize, { epochs: 3, checkWeightsEvery: 1 });
    for (const result of ranks) {
      expect(weightsOf(result)).toEqual(weightsOf(ranks[0]!));
      expect(result.history).toEqual(ranks[0]!.history);
      expect(result.step).toBe(18);
    }
    expect(distance(weightsOf(ranks[0]!), weightsOf(alone!))).toBeLessThan(1e-5);
    for (const [i, { metrics }] of alone!.history.entries()) {
      expect(ranks[0]!.history[i]!.metrics.loss).toBeCloseTo(metrics.loss!, 5);
    }
  });

  it.each(WORLDS)('%i of them have the gradient of one, of the same global batch', async (worldSize) => {
    const gradientOf = async (ranks: number, groups = groupsHere(ranks)): Promise<number[]> => {
      const [before] = await fitHere(ranks, { ...oneStep, optimizer: sgd({ learningRate: 0 }) });
      const [after] = await fitHere(ranks, oneStep, groups);
      return weightsOf(after!).map((weight, i) => weight - before!.model.weights[i]!);
    };
    const gradient = await gradientOf(1);
    expect(distance(await gradientOf(worldSize), gradient)).toBeLessThan(1e-5);
    // A group that adds nothing up must not pass.
    const broken = groupsHere(worldSize).map(
      (group): ProcessGroup => ({ ...group, allReduce: async (array) => array }),
    );
    expect(distance(await gradientOf(worldSize, broken), gradient)).toBeGreaterThan(1e-3);
  });

  it('may have rows of different weight and number, or none, and fewer batches', async () => {
    const rows = Array.from({ length: 4 }, (_, i) => someBatch(30, i + 1));
    const whole = await fitHere(1, { batches: () => rows, epochs: 2 });
    // Rank 0 has one row a step, rank 1 the others, rank 2 none, in half as many batches.
    const uneven = await fitHere(3, (rank) => ({
      epochs: 2,
      batches: () =>
        rows.slice(0, rank === 2 ? 2 : 4).map((batch) => ({
          ...batch,
          mask: batch.mask.map((_, row) => Number(rank < 2 && (row === 7) === (rank === 0))),
        })),
    }));
    expect(uneven.map(({ step, epoch }) => [step, epoch])).toEqual(Array(3).fill([8, 2]));
    for (const result of uneven) expect(distance(weightsOf(result), weightsOf(whole[0]!))).toBeLessThan(1e-5);
  });

  it('drop units out by the seed', async () => {
    const [tower] = DENSE.towers;
    const [first, second] = tower!.layers;
    const layers = [first!, { type: 'dropout', rate: 0.5 } as const, second!];
    const model = compileModel({ ...DENSE, towers: [{ ...tower!, layers }] });
    const source = shares(60);
    const [once] = await fitHere(1, { model, batches: source, seed: 5 });
    const [again] = await fitHere(1, { model, batches: source, seed: 5 });
    const [other] = await fitHere(1, { model, batches: source, seed: 6 });
    expect(weightsOf(again!)).toEqual(weightsOf(once!));
    expect(weightsOf(other!)).not.toEqual(weightsOf(once!));
  });

  it('begin with the weights of rank 0', async () => {
    const ranks = await fitHere(2, (rank) => ({ ...oneStep, model: compileModel({ ...DENSE, seed: rank }) }));
    expect(weightsOf(ranks[1]!)).toEqual(weightsOf(ranks[0]!));
  });

  it('are refused where they were started differently', async () => {
    const results = await Promise.allSettled(
      groupsHere(2).map((group, rank) => fitHere(1, { epochs: rank + 1 }, [group])),
    );
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SHARDFEED_COLLECTIVE' } });
      expect(String((result as PromiseRejectedResult).reason)).toMatch(/rank 1 has the options \{"epochs":2/);
    }
  });

  it('of two batches that make one update come to what one batch of both makes', async () => {
    const batches = Array.from({ length: 4 }, (_, i) => someBatch(40, i + 1));
    const [once] = await fitHere(1, { batches: () => batches });
    const halves = batches.flatMap((batch) => [shareOf(batch, 0, 2), shareOf(batch, 1, 2)]);
    const [accumulated] = await fitHere(1, { batches: () => halves, accumulate: 2 });
    expect(accumulated!.step).toBe(4);
    expect(distance(weightsOf(accumulated!), weightsOf(once!))).toBeLessThan(1e-6);
    // Three a time: the last update of the epoch has what is left.
    const [odd] = await fitHere(2, { batches: ({ rank }) => halves.filter((_, i) => i % 2 === rank), accumulate: 3 });
    expect(odd!.step).toBe(2);
  });
});

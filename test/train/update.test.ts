import { expect, test } from 'vitest';
import { sgd } from '../../src/train/optimizers/index.js';
import { BEHIND_GRADIENTS, layOut } from '../../src/train/parameters.js';
import { type UpdateOptions, Updater } from '../../src/train/update.js';
import { groupsHere } from './support/groups.js';

const layout = layOut([{ name: 'w', shape: [3] }]);

function updaterHere(options: UpdateOptions = {}, regularize?: (gradients: Float32Array) => number) {
  const [group] = groupsHere(1);
  const weights = group!.memory.array(Float32Array, 3);
  const gradients = group!.memory.array(Float32Array, 3 + BEHIND_GRADIENTS).subarray(0, 3);
  const model = { layout, weights, gradients, ...(regularize && { regularize: () => regularize(gradients) }) };
  return { weights, gradients, updater: new Updater(group!, model, sgd({ learningRate: 1 }), options) };
}

test('gradients of several batches make one update, weighted by their rows', async () => {
  const { weights, gradients, updater } = updaterHere();
  gradients.set([2, 0, 4]);
  updater.hold({ loss: 6, weight: 2 });
  gradients.set([1, 3, 0]);
  updater.hold({ loss: 1, weight: 1 });
  gradients.set([1, 1, 0]);
  expect(await updater.apply({ loss: 1, weight: 1 })).toMatchObject({ loss: 2, weight: 4 });
  expect([...weights]).toEqual([-1, -1, -1]);
  gradients.set([1, 1, 1]); // nothing of before is left
  expect(await updater.apply({ loss: 3, weight: 1 }, { told: [1, 5] })).toMatchObject({
    loss: 3,
    weight: 1,
    told: [1, 5],
  });
  expect([...weights]).toEqual([-2, -2, -2]);
});

test('regularisers add to the mean gradient once, however many rows there were', async () => {
  const { weights, gradients, updater } = updaterHere({}, (means) => {
    means[0]! += 10;
    return 0.5;
  });
  gradients.set([4, 8, 0]);
  expect((await updater.apply({ loss: 4, weight: 4 })).loss).toBe(1.5);
  expect([...weights]).toEqual([-11, -2, 0]);
});

test('the norm is that of the mean gradient, and longer ones are scaled down to the limit', async () => {
  const { weights, gradients, updater } = updaterHere({ clip: { globalNorm: 1 } });
  gradients.set([6, 8, 0]);
  expect((await updater.apply({ loss: 0, weight: 2 })).norm).toBe(5);
  expect(weights[0]).toBeCloseTo(-0.6, 6);
  expect(weights[1]).toBeCloseTo(-0.8, 6);
});

test('a batch without rows on any rank changes nothing', async () => {
  const { weights, updater } = updaterHere();
  expect(await updater.apply({ loss: 0, weight: 0 })).toMatchObject({
    loss: 0,
    weight: 0,
    norm: 0,
    skipped: true,
    told: [],
  });
  expect([...weights, updater.updates]).toEqual([0, 0, 0, 0]);
});

test('parameters that are frozen stay, and are no part of the norm', async () => {
  const { weights, gradients, updater } = updaterHere({ frozen: () => true }, (means) => {
    means.fill(1);
    return 0;
  });
  gradients.set([3, 4, 5]);
  expect((await updater.apply({ loss: 0, weight: 1 })).norm).toBe(0);
  expect([...weights]).toEqual([0, 0, 0]);
});

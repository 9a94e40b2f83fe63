import { expect, test } from 'vitest';
import type { ProcessGroup } from '../../../src/train/collective/process-group.js';
import { broadcastVariables, DistributedOptimizer } from '../../../src/train/free/index.js';
import { adam, sgd } from '../../../src/train/optimizers/index.js';
import { groupsHere } from '../support/groups.js';

/** The same on every rank, at once. */
const onAll = <T>(groups: ProcessGroup[], run: (group: ProcessGroup) => Promise<T>) => Promise.all(groups.map(run));

test('all ranks begin with the root’s values', async () => {
  const values = await onAll(groupsHere(3), async (group) => {
    const kernel = new Float32Array([group.rank, 10 + group.rank]);
    let bias = new Float32Array([100 + group.rank]);
    const variable = {
      shape: [1],
      read: () => bias,
      write: (given: Float32Array) => {
        bias = given.slice();
      },
    };
    await broadcastVariables(group, { kernel, bias: variable }, 1);
    return [...kernel, ...bias];
  });
  expect(values).toEqual([
    [1, 11, 101],
    [1, 11, 101],
    [1, 11, 101],
  ]);
});

test('the gradient of all ranks is their mean by the weights of their rows, and a rank without rows takes part', async () => {
  const results = await onAll(groupsHere(3), async (group) => {
    const w = new Float32Array([1, 1]);
    const optimizer = new DistributedOptimizer(group, { w }, sgd({ learningRate: 1 }));
    const weight = [3, 0, 1][group.rank]!;
    const gradient = [
      [2, 4],
      [Number.NaN, 7],
      [6, 0],
    ][group.rank]!; // what a mean over no rows may be
    const update = await optimizer.apply({ gradients: { w: gradient }, weight, loss: [1, Number.NaN, 5][group.rank]! });
    return { w: [...w], loss: update.loss, weight: update.weight };
  });
  // (3 x [2, 4] + 1 x [6, 0]) / 4 = [3, 3]; (3 x 1 + 5) / 4 = 2
  for (const result of results) expect(result).toEqual({ w: [-2, -2], loss: 2, weight: 4 });
});

test('several optimizers update their own variables', async () => {
  const [group] = groupsHere(1);
  const generator = new Float32Array([1]);
  const discriminator = new Float32Array([1, 1]);
  const optimizer = new DistributedOptimizer(
    group!,
    { generator, discriminator },
    { slow: sgd({ learningRate: 0.5 }), fast: sgd({ learningRate: 2 }) },
    { groupOf: (name) => (name === 'generator' ? 'slow' : 'fast') },
  );
  await optimizer.apply({ gradients: { generator: [1], discriminator: [1, -1] } });
  expect([...generator, ...discriminator]).toEqual([0.5, -1, 3]);
});

test('it goes on from its slots and number of updates with the same bits', async () => {
  const [group] = groupsHere(1);
  const gradientOf = (step: number) => ({ gradients: { w: [Math.sin(step), Math.cos(step)] } });
  const whole = { w: new Float32Array([0.3, -0.7]) };
  const undisturbed = new DistributedOptimizer(group!, whole, adam({ learningRate: 0.1 }));
  for (let step = 0; step < 10; step++) await undisturbed.apply(gradientOf(step));

  const before = { w: new Float32Array([0.3, -0.7]) };
  const first = new DistributedOptimizer(group!, before, adam({ learningRate: 0.1 }));
  for (let step = 0; step < 4; step++) await first.apply(gradientOf(step));
  const after = { w: before.w.slice() };
  const second = new DistributedOptimizer(group!, after, adam({ learningRate: 0.1 }));
  second.updates = first.updates;
  for (const [name, slot] of Object.entries(first.slots)) second.slots[name]!.set(slot);
  for (let step = 4; step < 10; step++) await second.apply(gradientOf(step));
  expect(after.w).toEqual(whole.w);
});

test('gradients that are not the variables’ are refused before anything is sent', async () => {
  const [group] = groupsHere(1);
  const optimizer = new DistributedOptimizer(group!, { w: new Float32Array(2) }, sgd());
  await expect(optimizer.apply({ gradients: {} })).rejects.toThrow(/gradient of the variable w is missing/);
  await expect(optimizer.apply({ gradients: { w: [1] } })).rejects.toThrow(/has 1 values; its shape has 2/);
  await expect(optimizer.apply({ gradients: { w: [1, 2], v: [1] } })).rejects.toThrow(/gradient of v/);
});

test('an update that is not finite ends on all ranks, or is skipped by all', async () => {
  const bad = (rank: number) => ({ gradients: { a: [1], w: [1, rank === 1 ? Number.POSITIVE_INFINITY : 0] } });
  const variables = () => ({ a: new Float32Array(1), w: new Float32Array(2) });
  const errors = await onAll(groupsHere(2), (group) => {
    const optimizer = new DistributedOptimizer(group, variables(), sgd());
    return optimizer.apply(bad(group.rank)).catch((error: unknown) => error);
  });
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'SHARDFEED_NOT_FINITE' });
    expect(String(error)).toContain('the gradient of w holds Infinity');
  }
  await onAll(groupsHere(2), async (group) => {
    const own = variables();
    const optimizer = new DistributedOptimizer(group, own, sgd({ learningRate: 1 }), { notFinite: 'skip' });
    expect(await optimizer.apply(bad(group.rank))).toMatchObject({ skipped: true });
    expect([...own.a, ...own.w, optimizer.updates]).toEqual([0, 0, 0, 0]);
    await optimizer.apply({ gradients: { a: [1], w: [1, 1] } });
    expect([...own.a, ...own.w, optimizer.updates]).toEqual([-1, -1, -1, 1]);
  });
});

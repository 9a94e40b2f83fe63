import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { TrainMemory } from '../../../src/train/kernel/train-memory.js';
import {
  adagrad,
  adam,
  adamW,
  checkClipping,
  clip,
  ftrl,
  normOf,
  type Optimizer,
  OptimizerSet,
  rmsProp,
  sgd,
} from '../../../src/train/optimizers/index.js';
import { layOut } from '../../../src/train/parameters.js';
import { warmUp } from '../../../src/train/schedules/index.js';
import { firstDifference, golden, trained } from './keras-cases.js';
import { adagradTwin, adamTwin, ftrlTwin, rmsPropTwin, sgdTwin, type Twin } from './twins.js';

const CONTEXT = { worldSize: 1, history: [] };

describe('optimizers', () => {
  it.each(Object.keys(golden.optimizers))('%s equals Keras over 100 steps', (name) => {
    expect(firstDifference(trained(name), golden.optimizers[name]!)).toBeUndefined();
  });

  const learningRate = 0.3;
  const twins: [string, Optimizer, Twin][] = [
    ['sgd', sgd({ learningRate }), sgdTwin(0, false)],
    ['momentum', sgd({ learningRate, momentum: 0.7 }), sgdTwin(0.7, false)],
    ['nesterov', sgd({ learningRate, momentum: 0.7, nesterov: true }), sgdTwin(0.7, true)],
    ['adagrad', adagrad({ learningRate }), adagradTwin(1e-7)],
    ['rmsProp', rmsProp({ learningRate }), rmsPropTwin(0.9, 0, 1e-7, false)],
    [
      'rmsProp with everything',
      rmsProp({ learningRate, centered: true, momentum: 0.4, epsilon: 1 }),
      rmsPropTwin(0.9, 0.4, 1, true),
    ],
    ['adam', adam({ learningRate }), adamTwin(0.9, 0.999, 1e-7, false, 0)],
    ['adamW with amsgrad', adamW({ learningRate, amsgrad: true }), adamTwin(0.9, 0.999, 1e-7, true, 0.004)],
    ['ftrl', ftrl({ learningRate, l1: 0.5, l2: 0.1, l2Shrinkage: 0.2 }), ftrlTwin(0.5, 0.5, 0.1, 0.2)],
  ];
  it.each(twins)('%s gives the bits of its twin, at any length, and touches nothing behind', (_, optimizer, twin) => {
    const memory = new TrainMemory();
    for (const count of [1, 2, 3, 4, 5, 31, 64]) {
      const weights = memory.array(Float32Array, count + 1).map((_, i) => Math.sin(i + count));
      const buffer = memory.array(Float32Array, count + 1);
      buffer.set(weights);
      const gradients = memory.array(Float32Array, count);
      const set = new OptimizerSet(memory, layOut([{ name: 'w', shape: [count] }]), optimizer);
      const expected = weights.slice(0, count);
      const slots = Object.values(set.slots).map((slot) => slot.slice());
      for (let update = 0; update < 3; update++) {
        for (let i = 0; i < count; i++) gradients[i] = Math.cos(i * 3 + update);
        set.apply(buffer, gradients, update, CONTEXT);
        twin(expected, gradients, slots, learningRate, update);
      }
      expect([...buffer]).toEqual([...expected, weights[count]]);
      for (const [i, slot] of Object.values(set.slots).entries()) expect([...slot]).toEqual([...slots[i]!]);
    }
  });

  it.each([
    ...twins.map(([name, optimizer]) => [name, optimizer] as const),
    ['ftrl from 0', ftrl({ initialAccumulator: 0 })],
  ] as const)(
    '%s gives numbers at a rate of 0, as where a warm-up begins or a decay ends, and for gradients of 0',
    (_, optimizer) => {
      const memory = new TrainMemory();
      const [weights, gradients] = [memory.array(Float32Array, 6), memory.array(Float32Array, 6)];
      weights.set([1, -1, 0, 1, -1, 0]);
      gradients.set([1, 1, 1, 0, 0, 0]);
      const learningRate = (update: number) => [0, 0.1, 0.1, 0][update]!;
      const set = new OptimizerSet(memory, layOut([{ name: 'w', shape: [6] }]), { ...optimizer, learningRate });
      for (let update = 0; update < 4; update++) {
        set.apply(weights, gradients, update, CONTEXT);
        expect([...weights].every(Number.isFinite)).toBe(true);
      }
    },
  );

  it('refuse settings that there are not or that are out of range, and name them', () => {
    expect(() => sgd({ momentum: 1.5 })).toThrowError(/momentum of sgd\(\) is a number from 0 to 1, not 1.5/);
    expect(() => adam({ learningRate: Number.NaN })).toThrowError(/learningRate of adam/);
    expect(() => adam({ beta_1: 0.9 } as object)).toThrowError(/no option "beta_1": did you mean beta1/);
    expect(() => ftrl({ learningRatePower: 1 })).toThrowError(/learningRatePower/);
  });
});

describe('a set of optimizers', () => {
  const layout = layOut([
    { name: 'wide/w', shape: [3], group: 'wide' },
    { name: 'deep/b', shape: [2], group: 'deep' },
    { name: 'deep/w', shape: [2, 2], group: 'deep' },
    { name: 'free', shape: [1], group: 'deep' },
  ]);

  it('updates each parameter by the optimizer of its group, with slots of its own', () => {
    const memory = new TrainMemory();
    const weights = memory.array(Float32Array, layout.size);
    const gradients = memory.array(Float32Array, layout.size).fill(1);
    const optimizers = { wide: sgd({ learningRate: 1, momentum: 0.5 }), deep: sgd({ learningRate: 2 }) };
    const set = new OptimizerSet(memory, layout, optimizers);
    const alone = new OptimizerSet(memory, layout, optimizers, { frozen: (name) => name === 'deep/w' });
    expect(Object.entries(set.slots).map(([name, slot]) => [name, slot.length])).toEqual([['wide/momentum', 3]]);
    set.apply(weights, gradients, 0, CONTEXT);
    expect([...weights]).toEqual([-2, -2, -2, -2, -2, -2, -2, -1, -1, -1]);
    alone.apply(weights, gradients, 1, CONTEXT);
    expect([...weights]).toEqual([-4, -4, -2, -2, -2, -2, -4, -2, -2, -2]);
  });

  it('says which parameter has no optimizer, and which optimizer no parameter', () => {
    const memory = new TrainMemory();
    const make = (optimizers: Record<string, Optimizer>) => () => new OptimizerSet(memory, layout, optimizers);
    expect(make({ wide: sgd() })).toThrowError(
      /deep\/b belongs to the group deep, but there are optimizers for wide only/,
    );
    expect(make({ wide: sgd(), deep: sgd(), tall: sgd() })).toThrowError(/parameters of "tall"/);
  });

  it('takes the learning rate of the update from its schedule, and refuses one that is none', () => {
    const memory = new TrainMemory();
    const one = layOut([{ name: 'w', shape: [1] }]);
    const weights = memory.array(Float32Array, 1);
    const gradients = memory.array(Float32Array, 1).fill(1);
    const set = new OptimizerSet(memory, one, sgd({ learningRate: warmUp(8, { steps: 4 }) }));
    for (let update = 0; update < 6; update++) set.apply(weights, gradients, update, CONTEXT);
    expect(weights[0]).toBe(-(0 + 2 + 4 + 6 + 8 + 8));
    const wrong = new OptimizerSet(memory, one, sgd({ learningRate: () => Number.NaN }));
    expect(() => wrong.apply(weights, gradients, 3, CONTEXT)).toThrowError(/NaN as learning rate of update 3/);
  });
});

describe('clipping', () => {
  test('the norm is that of all values, and not finite where one is not', () => {
    const memory = new TrainMemory();
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 70 }), (values) => {
        const array = memory.array(Float32Array, values.length);
        array.set(values);
        const expected = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
        expect(Math.abs(normOf(memory.kernel, array) - expected)).toBeLessThanOrEqual(1e-12 * expected);
        for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          if (values.length === 0) continue;
          array[values.length - 1] = odd;
          expect(Number.isFinite(normOf(memory.kernel, array))).toBe(false);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('scales to the norm, then cuts values', () => {
    const memory = new TrainMemory();
    const array = memory.array(Float32Array, 2);
    const clipped = (clipping: { globalNorm?: number; value?: number }): number[] => {
      array.set([3, -4]);
      clip(memory.kernel, array, 5, clipping);
      return [...array];
    };
    expect(clipped({ globalNorm: 10 })).toEqual([3, -4]);
    expect(clipped({ globalNorm: 2.5 })).toEqual([1.5, -2]);
    expect(clipped({ value: 3.5 })).toEqual([3, -3.5]);
    expect(clipped({ globalNorm: 2.5, value: 1.75 })).toEqual([1.5, -1.75]);
    expect(() => checkClipping({ globalNorm: 0 })).toThrowError(/clip.globalNorm is a number above 0/);
  });
});

import { describe, expect, test } from 'vitest';
import type { Batch } from '../../../src/records/batch.js';
import type { CompiledModel } from '../../../src/train/model/compile-model.js';
import { compileModel } from '../../../src/train/model/compile-model.js';
import type { LayerSpec, ModelSpec } from '../../../src/train/model/spec.js';
import { alone, floats, ints, rowsOf, someBatch, uniform, WIDE_AND_DEEP } from './batches.js';

const x = { column: 'x', width: 4 };
const context = { step: 3, seed: 7, firstRow: 40 };

function one(layers: LayerSpec[], loss: ModelSpec['loss'], labels: string[], more: Partial<ModelSpec> = {}): ModelSpec {
  return { towers: [{ inputs: [x, 'y', { column: 'class', oneHot: 5 }], layers }], loss, labels, ...more };
}

const BINARY: LayerSpec = { type: 'dense', units: 1, activation: 'sigmoid' };
const SPECS: Record<string, ModelSpec> = {
  'wide & deep': WIDE_AND_DEEP,
  'batch normalisation between layers, tanh': one(
    [
      { type: 'dense', units: 9, activation: 'tanh' },
      { type: 'batchNormalization' },
      { type: 'dense', units: 6, activation: 'sigmoid' },
      { type: 'batchNormalization', scale: false },
      BINARY,
    ],
    'binaryCrossentropy',
    ['label'],
  ),
  'dropout, classes, weights': one(
    [
      { type: 'dense', units: 16, activation: 'tanh', useBias: false },
      { type: 'dropout', rate: 0.4 },
      { type: 'dense', units: 3, activation: 'softmax' },
    ],
    'sparseCategoricalCrossentropy',
    ['kind'],
    { sampleWeights: 'weight', classWeights: [1, 2, 0.5] },
  ),
  'side by side, relu then softmax in between, squared error': {
    towers: [
      {
        name: 'a',
        inputs: [x],
        layers: [
          { type: 'dense', units: 7, activation: 'relu' },
          { type: 'activation', activation: 'softmax' },
        ],
      },
      { name: 'b', inputs: ['y'], layers: [{ type: 'dense', units: 2, activation: 'relu' }] },
    ],
    combine: 'concat',
    head: [
      { type: 'dense', units: 10, activation: 'sigmoid' },
      { type: 'dense', units: 3, activation: 'tanh' },
    ],
    loss: 'meanSquaredError',
    labels: ['target'],
  },
  'several labels, linear, absolute error': one([{ type: 'dense', units: 3 }], 'meanAbsoluteError', ['target']),
  'a relu before the softmax, categorical': one(
    [
      { type: 'dense', units: 3, activation: 'relu' },
      { type: 'activation', activation: 'softmax' },
    ],
    'categoricalCrossentropy',
    ['target'],
  ),
};

/** The loss of a step at other weights: sums over the rows. */
function lossAt(model: CompiledModel, batch: Batch, weights: Float32Array): number {
  const before = Float32Array.from(model.weights);
  model.weights.set(weights);
  const { loss } = model.step(batch, context);
  model.weights.set(before);
  return loss;
}

describe('gradients', () => {
  for (const [name, spec] of Object.entries(SPECS)) {
    test(`are the slope of the loss: ${name}`, () => {
      const batch = someBatch(37, 5, (row) => Number(row % 9 !== 4));
      const model = alone(spec);
      const next = uniform(3);
      for (let i = 0; i < model.weights.length; i++) model.weights[i] = model.weights[i]! + next() * 0.05;
      model.step(batch, context);
      const gradients = Float32Array.from(model.gradients);
      for (const { name: parameter, offset, size } of model.layout.parameters) {
        const end = offset + size;
        // A step along the parameter's gradient changes the loss most, and by how much is known.
        const slope = gradients.subarray(offset, end).reduce((sum, value) => sum + value * value, 0);
        const length = Math.sqrt(slope);
        if (length < 1e-4) continue;
        const step = 2e-3 / length;
        const moved = (sign: number): Float32Array =>
          model.weights.map((w, i) => (i >= offset && i < end ? w + sign * step * gradients[i]! : w));
        const difference = (lossAt(model, batch, moved(1)) - lossAt(model, batch, moved(-1))) / (2 * step);
        expect(Math.abs(difference / slope - 1), parameter).toBeLessThan(0.02);
      }
    });
  }

  test('are sums over the rows that count, and so are loss and weight', () => {
    for (const spec of Object.values(SPECS)) {
      const all = someBatch(50, 2);
      const counting = [0, 1, 5, 6, 7, 20, 21, 48];
      const masked = { ...all, mask: all.mask.map((_, row) => Number(counting.includes(row))) };
      // Dropout follows the rows' numbers: a model without.
      const layers = (some: readonly LayerSpec[]) => some.filter(({ type }) => type !== 'dropout');
      const plain = { ...spec, towers: spec.towers.map((tower) => ({ ...tower, layers: layers(tower.layers) })) };
      const [model, other] = [alone(plain), alone(plain)];
      expect(model.step(masked, context)).toEqual(other.step(rowsOf(all, counting), context));
      expect(model.gradients).toEqual(other.gradients);
      expect(model.state).toEqual(other.state);
    }
  });

  test('of the halves of a batch add up to those of the batch, dropout included', () => {
    const spec = SPECS['dropout, classes, weights']!;
    const [model, other] = [alone(spec), alone(spec)];
    const batch = someBatch(48);
    const whole = model.step(batch, context);
    const parts = [0, 1].map((half) => {
      const rows = Array.from({ length: half === 0 ? 17 : 31 }, (_, i) => half * 17 + i);
      const sums = other.step(rowsOf(batch, rows), { ...context, firstRow: 40 + half * 17 });
      return { ...sums, gradients: Float32Array.from(other.gradients) };
    });
    expect(parts[0]!.loss + parts[1]!.loss).toBeCloseTo(whole.loss, 5);
    expect(parts[0]!.weight + parts[1]!.weight).toBeCloseTo(whole.weight, 10);
    for (const [i, value] of model.gradients.entries()) {
      expect(parts[0]!.gradients[i]! + parts[1]!.gradients[i]!).toBeCloseTo(value, 4);
    }
    // Other rows of the global batch, another step or another seed drop others.
    const before = Float32Array.from(model.gradients);
    for (const change of [{ firstRow: 41 }, { step: 4 }, { seed: 8 }]) {
      model.step(batch, { ...context, ...change });
      expect(model.gradients).not.toEqual(before);
    }
    model.step(batch, context);
    expect(model.gradients).toEqual(before);
  });

  test('a batch without rows that count has none, and changes nothing', () => {
    for (const spec of Object.values(SPECS)) {
      const model = alone(spec);
      const state = Float32Array.from(model.state);
      for (const batch of [someBatch(0), someBatch(5, 1, () => 0)]) {
        model.gradients.fill(1);
        expect(model.step(batch, context)).toEqual({ loss: 0, weight: 0 });
        expect(model.gradients.every((value) => value === 0)).toBe(true);
        expect(model.state).toEqual(state);
      }
    }
  });
});

describe('batch normalisation', () => {
  test('sync: two ranks with the same rows do what one does with all of them', () => {
    const spec = SPECS['batch normalisation between layers, tanh']!;
    const rank = alone({ ...spec, batchNorm: 'sync' }, (sums) => {
      for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! * 2;
    });
    const single = alone(spec);
    const batch = someBatch(20);
    const half = rank.step(batch, context);
    const rows = Array.from({ length: 40 }, (_, i) => i % 20);
    const whole = single.step(rowsOf(batch, rows), context);
    expect(half.loss * 2).toBeCloseTo(whole.loss, 4);
    for (const [i, value] of single.gradients.entries()) expect(rank.gradients[i]! * 2).toBeCloseTo(value, 4);
    for (const [i, value] of single.state.entries()) expect(rank.state[i]!).toBeCloseTo(value, 6);
  });

  test('sync: a rank without rows takes part in every collective', () => {
    let calls = 0;
    const spec: ModelSpec = { ...SPECS['batch normalisation between layers, tanh']!, batchNorm: 'sync' };
    const count = (): void => {
      calls++;
    };
    alone(spec, count).step(someBatch(20), context);
    const withRows = calls;
    alone(spec, count).step(someBatch(0), context);
    expect(calls).toBe(2 * withRows);
    expect(withRows).toBe(4);
  });

  test('the moving statistics follow the batches, and predictions take them', () => {
    const layers: LayerSpec[] = [{ type: 'batchNormalization', momentum: 0.5, epsilon: 0 }];
    const spec: ModelSpec = { towers: [{ inputs: ['y'], layers }], loss: 'meanSquaredError', labels: ['label'] };
    const model = alone(spec);
    const batch = { ...someBatch(4), columns: { y: ints([0, 2, 4, 6]), label: ints([0, 0, 0, 0]) } };
    model.step(batch, context);
    // Mean 3, variance 5, halfway from 0 and 1.
    expect([...model.state]).toEqual([1.5, 3]);
    const expected = [0, 2, 4, 6].map((value) => (value - 1.5) / Math.sqrt(3));
    for (const [i, value] of model.predict(batch).entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });
});

test('frozen layers are state, and what is before and behind them is trained as ever', () => {
  const layers = (trainable: boolean): LayerSpec[] => [
    { type: 'dense', units: 8, activation: 'tanh', name: 'first' },
    { type: 'dense', units: 8, activation: 'relu', name: 'middle', trainable },
    BINARY,
  ];
  const model = alone(one(layers(true), 'binaryCrossentropy', ['label']));
  const frozen = alone(one(layers(false), 'binaryCrossentropy', ['label']));
  expect(frozen.stateLayout.parameters.map(({ name }) => name)).toEqual(['middle/bias', 'middle/kernel']);
  const batch = someBatch(20);
  expect(frozen.step(batch, context)).toEqual(model.step(batch, context));
  for (const { name, offset, size } of frozen.layout.parameters) {
    const at = model.layout.parameters.find((parameter) => parameter.name === name)!.offset;
    expect(frozen.gradients.slice(offset, offset + size)).toEqual(model.gradients.slice(at, at + size));
  }
});

test('a frozen batch normalisation takes its moving statistics, and leaves them', () => {
  const layers: LayerSpec[] = [
    { type: 'dense', units: 5, activation: 'tanh' },
    { type: 'batchNormalization', trainable: false },
    BINARY,
  ];
  const model = alone(one(layers, 'binaryCrossentropy', ['label']));
  const before = Float32Array.from(model.state);
  const batch = someBatch(20);
  const { loss } = model.step(batch, context);
  expect(model.state).toEqual(before);
  expect(model.evaluate(batch).loss).toBeCloseTo(loss, 10);
});

test('evaluation tells predictions, labels and weights of all rows, zeros where the mask is 0', () => {
  const model = alone({ ...WIDE_AND_DEEP, sampleWeights: 'weight', classWeights: [1, 3] });
  const batch = someBatch(9, 4, (row) => Number(row !== 2));
  const { predictions, labels, weights, loss, weight } = model.evaluate(batch);
  const column = (name: string): number[] => [...(batch.columns[name] as { values: Float32Array }).values];
  expect([...labels]).toEqual(column('label').map((value, row) => (row === 2 ? 0 : value)));
  const expected = column('weight').map((value, row) => (row === 2 ? 0 : value * (labels[row] === 1 ? 3 : 1)));
  for (const [row, value] of weights.entries()) expect(value).toBeCloseTo(expected[row]!, 6);
  expect(weight).toBeCloseTo(
    expected.reduce((a, b) => a + b),
    5,
  );
  for (const [row, value] of model.predict(batch).entries()) expect(predictions[row]).toBeCloseTo(value, 6);
  const losses = [...predictions].map((p, row) => -Math.log(labels[row] === 1 ? p : 1 - p) * weights[row]!);
  expect(loss).toBeCloseTo(
    losses.filter((_, row) => row !== 2).reduce((a, b) => a + b),
    4,
  );
});

test('regularisers add their gradient and tell their loss', () => {
  const dense: LayerSpec = {
    type: 'dense',
    units: 3,
    kernelRegularizer: { l1: 0.5, l2: 0.25 },
    biasRegularizer: { l2: 2 },
  };
  const model = alone(one([dense], 'meanSquaredError', ['target']));
  const { kernel, bias } = Object.fromEntries(model.layout.parameters.map((one) => [one.name.slice(6), one]));
  model.weights.fill(-0.5, kernel!.offset, kernel!.offset + kernel!.size);
  model.weights.set([1, 0, -1], bias!.offset);
  model.gradients.fill(1);
  expect(model.regularize()).toBeCloseTo(kernel!.size * (0.25 + 0.0625) + 4, 5);
  expect(model.gradients[kernel!.offset]).toBeCloseTo(1 - 0.5 - 0.25, 6);
  expect([...model.gradients.subarray(bias!.offset, bias!.offset + 3)]).toEqual([5, 1, -3]);
});

test('weights follow from the seed and the names, in the order of the names', () => {
  expect(alone(WIDE_AND_DEEP).weights).toEqual(alone(WIDE_AND_DEEP).weights);
  expect(alone(WIDE_AND_DEEP).weights).not.toEqual(alone({ ...WIDE_AND_DEEP, seed: 1 }).weights);
  const { layout, stateLayout } = alone(WIDE_AND_DEEP);
  expect(layout.parameters.map(({ name, shape, group }) => [name, ...shape, group ?? ''].join(' '))).toEqual([
    'deep/batch_normalization/beta 10 ',
    'deep/batch_normalization/gamma 10 ',
    'deep/dense/bias 20 ',
    'deep/dense/kernel 10 20 ',
    'deep/dense_1/bias 1 ',
    'deep/dense_1/kernel 20 1 ',
    'wide/dense/bias 1 ftrl',
    'wide/dense/kernel 6 1 ftrl',
  ]);
  expect(stateLayout.parameters.map(({ name }) => name)).toEqual([
    'deep/batch_normalization/moving_mean',
    'deep/batch_normalization/moving_variance',
  ]);
});

test('batches may grow', () => {
  const model = alone(WIDE_AND_DEEP);
  for (const size of [3, 50, 7, 500]) {
    const other = alone(WIDE_AND_DEEP);
    expect(model.predict(someBatch(size))).toEqual(other.predict(someBatch(size)));
  }
});

describe('what does not fit is refused', () => {
  const refused = (spec: unknown, code: string, text: string | RegExp): void => {
    expect(() => compileModel(spec as ModelSpec)).toThrowError(
      expect.objectContaining({ code, message: expect.stringMatching(text) }),
    );
  };

  test('specs', () => {
    refused({ ...WIDE_AND_DEEP, los: 1 }, 'SHARDFEED_USAGE', /los/);
    refused(
      one([{ type: 'dense', units: 0 }], 'meanSquaredError', ['target']),
      'SHARDFEED_USAGE',
      /towers.*units.*got 0/,
    );
    refused(one([{ type: 'dense', units: 1 }], 'binaryCrossentropy', ['label']), 'SHARDFEED_USAGE', /sigmoid/);
    refused({ ...WIDE_AND_DEEP, labels: undefined }, 'SHARDFEED_USAGE', /labels/);
    refused(
      { ...WIDE_AND_DEEP, towers: [WIDE_AND_DEEP.towers[0], WIDE_AND_DEEP.towers[0]] },
      'SHARDFEED_USAGE',
      /give them, or their towers, names/,
    );
  });

  test('schemas', () => {
    const schema = {
      features: [
        { name: 'x', kind: 'float', shape: [4] },
        { name: 'class', kind: 'int64', shape: [] },
        { name: 'label', kind: 'int64', shape: [] },
      ],
      labels: ['label'],
    } as const;
    const layers: LayerSpec[] = [BINARY];
    const make = (input: ModelSpec['towers'][number]['inputs'][number]) => (): unknown =>
      compileModel({ towers: [{ inputs: [input], layers }], loss: 'binaryCrossentropy' }, { schema });
    expect(make('x')).not.toThrow();
    expect(make('nothing')).toThrowError(/there are x, class, label/);
    expect(make({ column: 'x', width: 3 })).toThrowError(/4 numbers a row/);
  });

  test('batches', () => {
    const model = alone(
      one([BINARY], 'binaryCrossentropy', ['label'], { sampleWeights: 'weight', classWeights: [1, 1] }),
    );
    const good = someBatch(4);
    const withColumn = (name: string, column: object | undefined): Batch =>
      ({ ...good, columns: { ...good.columns, [name]: column } }) as Batch;
    const expectError = (batch: Batch, code: string, text: RegExp): void => {
      expect(() => model.step(batch, context)).toThrowError(
        expect.objectContaining({ code, message: expect.stringMatching(text) }),
      );
    };
    const { class: _, ...others } = good.columns;
    expectError({ ...good, columns: others }, 'SHARDFEED_SCHEMA_MISMATCH', /"class" is not in the batch/);
    expectError(withColumn('x', floats([1, 2, 3, 4])), 'SHARDFEED_SCHEMA_MISMATCH', /has 1 numbers a row/);
    expectError(
      withColumn('y', { ...ints([1, 2, 3, 4]), validity: Uint8Array.of(0b1011) }),
      'SHARDFEED_SCHEMA_MISMATCH',
      /null in row 2/,
    );
    expectError(withColumn('y', floats([1, 2, Number.NaN, 4])), 'SHARDFEED_NOT_FINITE', /"y" is NaN in row 2/);
    expectError(withColumn('weight', floats([1, 2, -3, 4])), 'SHARDFEED_RANGE', /-3 in row 2/);
    expectError(withColumn('label', floats([1, 0, 0.5, 0])), 'SHARDFEED_RANGE', /no class weight/);
    expectError(withColumn('label', floats([1, 0, 2, 0])), 'SHARDFEED_RANGE', /is 2 in row 2 .* takes 0 to 1/);
    expectError(withColumn('label', floats(new Float32Array(8), 2)), 'SHARDFEED_SCHEMA_MISMATCH', /have 2/);
    expectError(withColumn('y', { layout: 'bytes' }), 'SHARDFEED_SCHEMA_MISMATCH', /compileFeatures/);
    // Where the mask is 0, anything may be.
    const masked = { ...withColumn('y', floats([1, 2, Number.NaN, 4])), mask: Uint8Array.of(1, 1, 0, 1) };
    expect(model.step(masked, context).weight).toBeGreaterThan(0);
    const kinds = alone(
      one([{ type: 'dense', units: 2, activation: 'softmax' }], 'sparseCategoricalCrossentropy', ['kind']),
    );
    expect(() => kinds.step(withColumn('kind', ints([0, 1, 2, 0])), context)).toThrowError(/classes are 0 to 1/);
  });

  test('a class that is null, or out of range, is none', () => {
    const model = alone(one([BINARY], 'binaryCrossentropy', ['label']));
    const good = someBatch(3);
    const column = { ...ints([-1, 5, 2]), validity: Uint8Array.of(0b011) };
    const none = { ...good, columns: { ...good.columns, class: column } };
    const kernel = model.layout.parameters.find(({ name }) => name === 'dense/kernel')!;
    model.step(none, context);
    expect([...model.gradients.subarray(kernel.offset + 5, kernel.offset + 10)]).toEqual([0, 0, 0, 0, 0]);
  });
});

import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../../src/records/batch.js';
import { TrainMemory } from '../../../src/train/kernel/train-memory.js';
import { CompiledModel } from '../../../src/train/model/compile-model.js';
import { type LayersModelOptions, layersModel } from '../../../src/train/model/tfjs/layers-model.js';
import type { TfModel } from '../../../src/train/model/tfjs/tf-model.js';
import { floats, ints, rowsOf, someBatch } from './batches.js';

const context = { step: 3, seed: 7, firstRow: 40 };
type Options = LayersModelOptions<tf.Tensor>;

function make(
  model: tf.LayersModel,
  options: Options,
  reduce: (sums: Float64Array) => void = () => undefined,
): Promise<CompiledModel | TfModel> {
  return layersModel(
    model,
    options,
  )({
    memory: new TrainMemory(),
    allReduceSync(array) {
      reduce(array as Float64Array);
      return array;
    },
  });
}

const CLASS = { column: 'class', oneHot: 5 };
const X = { column: 'x', width: 4 };

function wideAndDeep(dropout = 0.3): tf.LayersModel {
  const wide = tf.input({ shape: [6], name: 'wide' });
  const deep = tf.input({ shape: [10], name: 'deep' });
  const linear = tf.layers.dense({ units: 1, name: 'linear' }).apply(wide) as tf.SymbolicTensor;
  const layers = [
    tf.layers.batchNormalization({ name: 'bn' }),
    tf.layers.dense({
      units: 12,
      activation: 'relu',
      name: 'hidden',
      kernelRegularizer: tf.regularizers.l1l2({ l1: 0.01, l2: 0.02 }),
    }),
    tf.layers.dropout({ rate: dropout, name: 'drop' }),
    tf.layers.batchNormalization({ name: 'bn2', scale: false }),
    tf.layers.dense({ units: 1, name: 'last' }),
  ];
  const end = layers.reduce((at, layer) => layer.apply(at) as tf.SymbolicTensor, deep);
  const sum = tf.layers.add({ name: 'sum' }).apply([linear, end]) as tf.SymbolicTensor;
  const outputs = tf.layers.activation({ activation: 'sigmoid', name: 'out' }).apply(sum) as tf.SymbolicTensor;
  return tf.model({ inputs: [wide, deep], outputs });
}

const WIDE_AND_DEEP: Options = {
  loss: 'binaryCrossentropy',
  inputs: { wide: [CLASS, 'y'], deep: [X, 'y', CLASS] },
  labels: ['label'],
};

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 2e-4): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (!(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)))) expect.fail(`value ${i} is ${a}, expected ${b}`);
  }
}

describe('a model of dense layers', () => {
  test('is compiled, and does what TensorFlow.js does', async () => {
    const model = wideAndDeep();
    const theirs = await make(model, {
      ...WIDE_AND_DEEP,
      compile: false,
      sampleWeights: 'weight',
      classWeights: [1, 2],
    });
    const ours = await make(model, { ...WIDE_AND_DEEP, sampleWeights: 'weight', classWeights: [1, 2] });
    expect([ours.backend, theirs.backend]).toEqual(['compiled', 'wasm']);
    expect(ours.layout).toEqual(theirs.layout);
    expect(ours.stateLayout).toEqual(theirs.stateLayout);
    for (const step of [0, 1, 2]) {
      const batch = someBatch(40, step, (row) => Number(row % 7 !== 3));
      const [a, b] = [ours, theirs].map((one) => one.step(batch, { ...context, step }));
      expect(a).toEqual({
        loss: expect.closeTo((b as { loss: number }).loss, 3),
        weight: (b as { weight: number }).weight,
      });
      close(ours.gradients, theirs.gradients);
      close(ours.state, theirs.state);
      const [last, others] = [ours.lastEvaluation(), theirs.lastEvaluation()];
      close(last.predictions, others.predictions);
      expect([last.labels, last.weights, last.weight]).toEqual([others.labels, others.weights, others.weight]);
      expect(last.loss).toBe((a as { loss: number }).loss);
      expect(ours.regularize!()).toBeCloseTo(theirs.regularize!(), 5);
      close(ours.gradients, theirs.gradients);
      for (const one of [ours, theirs]) {
        for (let i = 0; i < one.weights.length; i++) one.weights[i] = one.weights[i]! - 0.001 * one.gradients[i]!;
        one.changed();
      }
      const [mine, other] = [ours.evaluate(batch), theirs.evaluate(batch)] as [
        ReturnType<TfModel['evaluate']>,
        ReturnType<TfModel['evaluate']>,
      ];
      close(mine.predictions, other.predictions);
      expect([mine.labels, mine.weights]).toEqual([other.labels, other.weights]);
      expect(mine.loss).toBeCloseTo(other.loss, 3);
      close(ours.predict(batch), theirs.predict(batch));
    }
    await theirs.close();
    await ours.close();
    // What was trained is in the model again.
    const kernel = ours.layout.parameters.find(({ name }) => name === 'hidden/kernel')!;
    expect(model.getLayer('hidden').getWeights()[0]!.dataSync()).toEqual(
      ours.weights.slice(kernel.offset, kernel.offset + kernel.size),
    );
    const mean = ours.stateLayout.parameters.find(({ name }) => name === 'bn/moving_mean')!;
    expect(model.getLayer('bn').getWeights()[2]!.dataSync()).toEqual(
      ours.state.slice(mean.offset, mean.offset + mean.size),
    );
  });

  test('in sequence, with frozen layers and groups', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 8, activation: 'tanh', inputShape: [4], name: 'first', trainable: false }),
        tf.layers.batchNormalization({ name: 'bn', trainable: false }),
        tf.layers.dense({ units: 3, activation: 'softmax', name: 'second' }),
      ],
    });
    const options: Options = {
      loss: 'sparseCategoricalCrossentropy',
      inputs: [X],
      labels: ['kind'],
      optimizers: { second: 'fast' },
    };
    const [ours, theirs] = [await make(model, options), await make(model, { ...options, compile: false })];
    expect(ours).toBeInstanceOf(CompiledModel);
    expect(ours.layout).toEqual(theirs.layout);
    expect(ours.layout.parameters.map(({ name, group }) => [name, group])).toEqual([
      ['second/bias', 'fast'],
      ['second/kernel', 'fast'],
    ]);
    const batch = someBatch(30);
    const [a, b] = [ours.step(batch, context), theirs.step(batch, context)] as [{ loss: number }, { loss: number }];
    expect(a.loss).toBeCloseTo(b.loss, 4);
    close(ours.gradients, theirs.gradients);
    close(theirs.state, ours.state);
    await theirs.close();
  });

  test('the losses are those of the compiled step', async () => {
    for (const [loss, units, activation, labels] of [
      ['meanSquaredError', 3, 'tanh', ['target']],
      ['meanAbsoluteError', 3, 'linear', ['target']],
      ['binaryCrossentropy', 1, 'sigmoid', ['label']],
      ['categoricalCrossentropy', 3, 'softmax', ['target']],
    ] as const) {
      const model = tf.sequential({ layers: [tf.layers.dense({ units, activation, inputShape: [4], name: 'd' })] });
      const options: Options = { loss, inputs: [X], labels };
      const [ours, theirs] = [
        await make(model, { ...options, compile: true }),
        await make(model, { ...options, compile: false }),
      ];
      const batch = someBatch(30);
      const target = floats(
        Array.from({ length: 30 }, (_, row) =>
          [row % 3, (row + 1) % 3, (row + 2) % 3].map((i) => Number(i === 0)),
        ).flat(),
        3,
      );
      const withTarget: Batch =
        loss === 'categoricalCrossentropy' ? { ...batch, columns: { ...batch.columns, target } } : batch;
      const [a, b] = [ours.step(withTarget, context), theirs.step(withTarget, context)] as [
        { loss: number },
        { loss: number },
      ];
      expect(a.loss, loss).toBeCloseTo(b.loss, 3);
      close(ours.gradients, theirs.gradients);
      await theirs.close();
      model.dispose();
    }
  });

  test('and of others is not; that is said where it is asked for', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 1, activation: 'elu', inputShape: [4], name: 'odd' })],
    });
    const options: Options = { loss: 'meanSquaredError', inputs: [X], labels: ['label'] };
    await expect(make(model, { ...options, compile: true })).rejects.toThrow(
      /cannot be compiled: layer odd \(Dense\) has the activation elu/,
    );
    const free = await make(model, options);
    expect(free.backend).toBe('wasm');
    await free.close();
  });
});

describe('a model of other layers', () => {
  function embedding(): tf.LayersModel {
    return tf.sequential({
      layers: [
        tf.layers.embedding({ inputDim: 5, outputDim: 3, inputLength: 1, name: 'table' }),
        tf.layers.flatten({ name: 'flat' }),
        tf.layers.dense({ units: 1, activation: 'sigmoid', name: 'out' }),
      ],
    });
  }

  test('trains, embeddings too, on each backend alike', async () => {
    const options: Options = { loss: 'binaryCrossentropy', inputs: ['class'], labels: ['label'] };
    const model = embedding();
    const batch = someBatch(40);
    const gradients: Float32Array[] = [];
    for (const backend of ['wasm', 'cpu'] as const) {
      const one = await make(model, { ...options, backend });
      expect(one.backend).toBe(backend);
      one.step(batch, context);
      gradients.push(Float32Array.from(one.gradients));
      await one.close();
    }
    close(gradients[0]!, gradients[1]!, 1e-5);
    expect(gradients[0]!.some((value) => value !== 0)).toBe(true);
    model.dispose();
  });

  test('whose loss is a function', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], name: 'd' })] });
    const smooth = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor =>
      tf.sub(tf.sqrt(tf.add(1, tf.square(tf.sub(labels, predictions)))), 1);
    const one = await make(model, { loss: smooth, inputs: [X], labels: ['target'] });
    const batch = someBatch(20, 1, (row) => Number(row < 10));
    const { loss, weight } = await one.step(batch, context);
    expect(weight).toBe(10);
    const evaluation = await one.evaluate(batch);
    expect(evaluation.loss).toBeCloseTo(loss, 4);
    const errors = [...evaluation.predictions.subarray(0, 30)].map((p, i) => Math.abs(p - evaluation.labels[i]!));
    const expected = errors.map((e) => (Math.sqrt(1 + e * e) - 1) / 3).reduce((a, b) => a + b);
    expect(loss).toBeCloseTo(expected, 4);
    await one.close();
    model.dispose();
  });

  test('that the backend cannot train is refused by the layer’s name', async () => {
    const conv = tf.sequential({
      layers: [
        tf.layers.reshape({ targetShape: [2, 2, 1], inputShape: [4], name: 'image' }),
        tf.layers.conv2d({ filters: 2, kernelSize: 2, name: 'filter' }),
        tf.layers.flatten({ name: 'flat' }),
        tf.layers.dense({ units: 1, name: 'out' }),
      ],
    });
    const options: Options = { loss: 'meanSquaredError', inputs: [X], labels: ['label'] };
    await expect(make(conv, options)).rejects.toMatchObject({
      code: 'SHARDFEED_UNSUPPORTED',
      message: expect.stringMatching(/layer filter \(Conv2D\).*wasm.*Conv2DBackpropFilter/),
    });
    const one = await make(conv, { ...options, backend: 'cpu' });
    await one.step(someBatch(5), context);
    await one.close();
    conv.dispose();
  });

  test('that draws random numbers of its own is refused by the layer’s name', async () => {
    const noisy = tf.sequential({
      layers: [
        tf.layers.gaussianNoise({ stddev: 1, inputShape: [4], name: 'noise' }),
        tf.layers.dense({ units: 1, name: 'd' }),
      ],
    });
    await expect(make(noisy, { loss: 'meanSquaredError', inputs: [X], labels: ['label'] })).rejects.toThrow(
      /layer noise \(GaussianNoise\)/,
    );
    noisy.dispose();
  });

  test('no tensor is left behind by steps', async () => {
    const model = wideAndDeep();
    const one = await make(model, { ...WIDE_AND_DEEP, compile: false });
    const batch = someBatch(12);
    const work = async (): Promise<void> => {
      await one.step(batch, context);
      one.regularize!();
      one.changed();
      await one.predict(batch);
      await one.evaluate(batch);
      await one.step(someBatch(0), context);
    };
    await work();
    const { numTensors, numBytes } = tf.memory();
    for (let i = 0; i < 5; i++) await work();
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
    await one.close();
  });
});

test('dropout depends on the rows’ numbers in the global batch, and is no longer ours after close', async () => {
  const model = wideAndDeep(0.5);
  const one = await make(model, { ...WIDE_AND_DEEP, compile: false });
  const batch = someBatch(24);
  await one.step(batch, context);
  const first = Float32Array.from(one.gradients);
  await one.step(batch, context);
  expect(one.gradients).toEqual(first);
  await one.step(batch, { ...context, firstRow: 41 });
  expect(one.gradients).not.toEqual(first);
  await one.close();
  expect(Object.hasOwn(model.getLayer('drop'), 'call')).toBe(false);
});

test('batch statistics of all ranks: two with the same rows do what one does with all of them', async () => {
  const double = (sums: Float64Array): void => {
    for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! * 2;
  };
  const model = wideAndDeep(0);
  const options: Options = { ...WIDE_AND_DEEP, compile: false };
  const batch = someBatch(20);
  const single = await make(model, options);
  const before = Float32Array.from(single.state);
  const whole = await single.step(
    rowsOf(
      batch,
      Array.from({ length: 40 }, (_, i) => i % 20),
    ),
    context,
  );
  const gradients = Float32Array.from(single.gradients);
  const state = Float32Array.from(single.state);
  single.state.set(before);
  single.changed();
  await single.close();
  const rank = await make(model, { ...options, batchNorm: 'sync' }, double);
  const half = await rank.step(batch, context);
  expect(half.loss * 2).toBeCloseTo(whole.loss, 3);
  close(
    rank.gradients.map((value) => value * 2),
    gradients,
  );
  close(rank.state, state);
  await rank.close();
  let calls = 0;
  const empty = await make(model, { ...options, batchNorm: 'sync' }, () => {
    calls++;
  });
  expect(await empty.step(someBatch(0), context)).toEqual({ loss: 0, weight: 0 });
  expect(empty.gradients.every((value) => value === 0)).toBe(true);
  // The first layer's input wants no gradient.
  expect(calls).toBe(3);
  await empty.close();
});

test('columns are found by the schema; what does not fit is refused', async () => {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 1, activation: 'sigmoid', inputShape: [5], name: 'd' })],
  });
  const schema = {
    features: [
      { name: 'x', kind: 'float', shape: [4] },
      { name: 'word', kind: 'bytes', shape: [] },
      { name: 'y', kind: 'int64', shape: [] },
      { name: 'label', kind: 'int64', shape: [] },
    ],
    labels: ['label'],
  } as const;
  const one = await make(model, { loss: 'binaryCrossentropy', schema });
  const batch = {
    size: 2,
    mask: Uint8Array.of(1, 1),
    columns: { x: floats(new Float32Array(8), 4), y: ints([1, 0]), label: ints([1, 0]) },
  };
  expect((await one.step(batch as Batch, context)).weight).toBe(2);
  await expect(make(model, { loss: 'binaryCrossentropy', schema, inputs: ['y'] })).rejects.toThrow(
    /takes 5 numbers a row, y have 1/,
  );
  await expect(make(model, { loss: 'binaryCrossentropy', inputs: [X, 'y'] })).rejects.toThrow(/labels/);
  await expect(make(wideAndDeep(), { ...WIDE_AND_DEEP, inputs: { wide: ['y'] } })).rejects.toThrow(/takes 6 numbers/);
  await expect(make(wideAndDeep(), { ...WIDE_AND_DEEP, inputs: { wide: [CLASS, 'y'] } })).rejects.toThrow(
    /no columns for its input deep/,
  );
});

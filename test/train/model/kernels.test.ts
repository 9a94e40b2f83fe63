import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type TrainKernel, TrainMemory } from '../../../src/train/kernel/train-memory.js';
import { kernelTwin } from './kernel-twin.js';

const memory = new TrainMemory();
const CAPACITY = 4096;
/** Room for six matrices, one of them in float64. */
const blocks = Array.from({ length: 6 }, () => memory.array(Float32Array, 2 * CAPACITY));
const [a, b, c, d, e, g] = blocks.map(({ byteOffset }) => byteOffset) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const twin = kernelTwin(memory.wasm.buffer);

const sizes = fc.record({
  rows: fc.integer({ min: 0, max: 70 }),
  inputs: fc.integer({ min: 1, max: 40 }),
  units: fc.integer({ min: 1, max: 40 }),
  seed: fc.integer(),
});
const strideOf = (width: number): number => (width + 7) & ~7;

/** Values about 1; some of them 0. */
function fill(seed: number): void {
  let state = seed | 1;
  for (const block of blocks) {
    for (let i = 0; i < block.length; i++) {
      state = Math.imul(state, 1664525) + 1013904223;
      block[i] = i % 17 === 3 ? 0 : (state / 2 ** 31) * 2;
    }
  }
}

/** What both give, and what they leave in the numbers that are of account. */
function compare(
  seed: number,
  work: (kernel: TrainKernel) => unknown,
  results: { at: number; rows: number; width: number; stride: number; double?: boolean }[],
  prepare: () => void = () => undefined,
): void {
  const outcome = (kernel: TrainKernel): number[] => {
    fill(seed);
    prepare();
    const total = work(kernel);
    return [
      typeof total === 'number' ? total : 0,
      ...results.flatMap(({ at, rows, width, stride, double = false }) => {
        const view = double
          ? new Float64Array(memory.wasm.buffer, at, rows * stride)
          : new Float32Array(memory.wasm.buffer, at, rows * stride);
        return [...view].filter((_, i) => i % stride < width);
      }),
    ];
  };
  const ours = outcome(memory.kernel);
  const theirs = outcome(twin);
  expect(ours.length).toBe(theirs.length);
  for (const [i, value] of ours.entries()) {
    if (!(Math.abs(value - theirs[i]!) <= 2e-5 * Math.max(1, Math.abs(theirs[i]!)))) {
      expect.fail(`value ${i} is ${value}, the twin has ${theirs[i]}`);
    }
  }
}

const options = { numRuns: 60 };

describe('kernels compute what their twins do', () => {
  test('layers of many units: the product, its gradients', () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.boolean(), ({ rows, inputs, units, seed }, bias, relu) => {
        const [xs, ys] = [strideOf(inputs), strideOf(units)];
        const biasAt = bias ? d : 0;
        const floor = relu ? 0 : Number.NEGATIVE_INFINITY;
        compare(
          seed,
          (kernel) => {
            kernel.packPanels!(a, inputs, units, b);
            kernel.multiplyPanels!(c, xs, b, inputs, biasAt, e, ys, rows, units, floor);
          },
          [{ at: e, rows, width: units, stride: ys }],
        );
        compare(
          seed,
          (kernel) => {
            kernel.packTransposed!(a, inputs, units, b);
            kernel.multiplyPanels!(c, ys, b, units, 0, e, xs, rows, inputs, Number.NEGATIVE_INFINITY);
          },
          [{ at: e, rows, width: inputs, stride: xs }],
        );
        compare(
          seed,
          (kernel) => {
            kernel.sumOuter!(c, xs, e, ys, rows, inputs, units, a, ys);
            kernel.sumRows!(e, ys, rows, units, b);
          },
          [
            { at: a, rows: inputs, width: units, stride: ys },
            { at: b, rows: 1, width: units, stride: ys },
          ],
        );
      }),
      options,
    );
  });

  test('layers of few units', () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), ({ rows, inputs, units: many, seed }, bias) => {
        const units = (many & 3) + 1;
        const [xs, ys] = [strideOf(inputs), strideOf(units)];
        compare(
          seed,
          (kernel) => {
            kernel.transpose!(a, units, b, xs, inputs, units);
            kernel.multiplyNarrow!(c, xs, b, xs, inputs, bias ? d : 0, e, ys, rows, units);
          },
          [{ at: e, rows, width: units, stride: ys }],
        );
        compare(seed, (kernel) => kernel.spreadNarrow!(e, ys, b, xs, inputs, c, xs, rows, units), [
          { at: c, rows, width: inputs, stride: xs },
        ]);
        compare(seed, (kernel) => kernel.sumNarrow!(c, xs, e, ys, rows, inputs, units, a, xs), [
          { at: a, rows: units, width: inputs, stride: xs },
        ]);
      }),
      options,
    );
  });

  test('batch normalisation', () => {
    fc.assert(
      fc.property(sizes, ({ rows, units: width, seed }) => {
        const stride = strideOf(width);
        const [mean, inverse, scale, meanGradient, meanProduct] = [0, 1, 2, 3, 4].map((i) => d + i * stride * 4);
        compare(seed, (kernel) => kernel.columnMoments!(a, stride, rows, width, b), [
          { at: b, rows: 2, width, stride, double: true },
        ]);
        compare(seed, (kernel) => kernel.normalizeColumns!(a, c, stride, rows, width, mean!, inverse!, scale!), [
          { at: c, rows, width, stride },
        ]);
        compare(seed, (kernel) => kernel.columnGradients!(a, c, stride, rows, width, mean!, inverse!, b), [
          { at: b, rows: 2, width, stride, double: true },
        ]);
        compare(
          seed,
          (kernel) =>
            kernel.normalizeGradients!(a, c, stride, rows, width, mean!, inverse!, scale!, meanGradient!, meanProduct!),
          [{ at: c, rows, width, stride }],
        );
      }),
      options,
    );
  });

  test('activations, and their derivatives', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom('relu', 'sigmoid', 'tanh'), ({ rows, units: width, seed }, name) => {
        const stride = strideOf(width);
        const spread = (): void => {
          for (let i = 0; i < CAPACITY; i++) blocks[0]![i] = blocks[0]![i]! * (i % 3 === 0 ? 60 : 1);
        };
        compare(seed, (kernel) => kernel[name]!(a, rows * stride), [{ at: a, rows, width, stride }], spread);
        compare(seed, (kernel) => kernel[`${name}Gradient`]!(a, b, rows * stride), [{ at: b, rows, width, stride }]);
        compare(seed, (kernel) => kernel.multiplyF32!(c, a, b, rows * stride), [{ at: c, rows, width, stride }]);
        compare(seed, (kernel) => kernel.softmax!(a, stride, rows, width), [{ at: a, rows, width, stride }], spread);
        compare(seed, (kernel) => kernel.softmaxGradient!(a, b, stride, rows, width), [{ at: b, rows, width, stride }]);
      }),
      options,
    );
  });

  test('a NaN stays one', () => {
    for (const name of ['relu', 'sigmoid', 'tanh']) {
      blocks[0]!.fill(Number.NaN, 0, 4);
      memory.kernel[name]!(a, 4);
      expect([...blocks[0]!.subarray(0, 4)]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    }
    blocks[0]!.fill(1, 0, 8);
    blocks[1]!.fill(Number.NaN, 0, 8);
    memory.kernel.multiplyPanels!(a, 8, b, 1, 0, c, 8, 1, 8, 0);
    expect(blocks[2]![0]).toBeNaN();
  });

  test('losses', () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), ({ rows, units: width, seed }, flag) => {
        const stride = strideOf(width);
        const results = [a, b].map((at) => ({ at, rows, width, stride }));
        const classes = flag ? Math.min(2, width) : 2; // Numbers of classes are below their count.
        const labels = (): void => {
          for (let i = 0; i < CAPACITY; i++) blocks[2]![i] = Math.abs(Math.trunc(blocks[2]![i]!)) % classes;
        };
        compare(seed, (kernel) => kernel.binaryCrossentropy!(a, b, stride, c, d, rows, width), results, labels);
        compare(
          seed,
          (kernel) => kernel.categoricalCrossentropy!(a, b, stride, c, d, rows, width, Number(flag)),
          results,
          labels,
        );
        compare(seed, (kernel) => kernel.meanError!(a, b, stride, c, d, rows, width, Number(flag)), results);
        compare(seed, (kernel) => kernel.regularize!(a, g, rows, 0.25, 0.5), [
          { at: g, rows: 1, width: rows, stride: rows + 1 },
        ]);
      }),
      options,
    );
  });

  test('certain predictions cost what they should, and no probability is infinite', () => {
    blocks[0]!.set([200, -200, 200, -200]);
    blocks[2]!.set([1, 0, 0, 1]);
    blocks[3]!.fill(1, 0, 4);
    const loss = memory.kernel.binaryCrossentropy!(a, b, 1, c, d, 4, 1);
    expect(loss).toBeCloseTo(400, 5);
    expect([...blocks[1]!.subarray(0, 4)]).toEqual([0, expect.closeTo(0), 1, -1]);
  });
});

import type { Batch, Column } from '../../../src/records/batch.js';
import { TrainMemory } from '../../../src/train/kernel/train-memory.js';
import { type CompiledModel, compileModel } from '../../../src/train/model/compile-model.js';
import type { ModelSpec } from '../../../src/train/model/spec.js';

/** Numbers between -1 and 1 that follow from the seed. */
export function uniform(seed: number): () => number {
  let state = Math.imul(seed + 1, 2654435761) | 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 374761393;
    return (state | 0) / 2 ** 31;
  };
}

export function floats(values: ArrayLike<number>, width = 1): Column {
  return { layout: 'fixed', values: Float32Array.from(values), shape: width === 1 ? [] : [width] };
}

export function ints(values: ArrayLike<number>): Column {
  return { layout: 'fixed', values: Float64Array.from(values), shape: [] };
}

/** Columns x (4 numbers a row), y (1), class (0 to 4), label (0 or 1), kind (0 to 2), target (3 numbers a row), weight. */
export function someBatch(size: number, seed = 1, mask: (row: number) => number = () => 1): Batch {
  const next = uniform(seed);
  const many = (count: number, map = (value: number) => value): number[] =>
    Array.from({ length: count }, () => map(next()));
  const below = (count: number) => (value: number) => Math.floor(((value + 1) / 2) * count) % count;
  const columns = {
    x: floats(
      many(size * 4, (value) => value * 3 + 1),
      4,
    ),
    y: ints(many(size, below(9))),
    class: ints(many(size, below(5))),
    label: ints(many(size, below(2))),
    kind: ints(many(size, below(3))),
    target: floats(many(size * 3), 3),
    weight: floats(many(size, (value) => value + 1)),
  };
  return { size, columns, mask: Uint8Array.from({ length: size }, (_, row) => mask(row)) };
}

/** Some rows of a batch, in that order. */
export function rowsOf({ columns }: Batch, rows: readonly number[]): Batch {
  const chosen = Object.entries(columns).map(([name, column]) => {
    const { values, shape } = column as Column & { layout: 'fixed' };
    const width = shape.reduce((product, length) => product * length, 1);
    const picked = rows.flatMap((row) => [...(values as Float64Array).subarray(row * width, (row + 1) * width)]);
    return [name, values instanceof Float32Array ? floats(picked, width) : ints(picked)] as const;
  });
  return { size: rows.length, columns: Object.fromEntries(chosen), mask: new Uint8Array(rows.length).fill(1) };
}

/** A model of a rank that is alone, or whose other ranks do what `reduce` says. */
export function alone(spec: ModelSpec, reduce: (sums: Float64Array) => void = () => undefined): CompiledModel {
  const memory = new TrainMemory();
  return compileModel(spec)({
    memory,
    allReduceSync(array) {
      reduce(array as Float64Array);
      return array;
    },
  });
}

/** Wide & deep, over all that {@link someBatch} has. */
export const WIDE_AND_DEEP: ModelSpec = {
  towers: [
    {
      name: 'wide',
      inputs: [{ column: 'class', oneHot: 5 }, 'y'],
      layers: [{ type: 'dense', units: 1 }],
      optimizer: 'ftrl',
    },
    {
      name: 'deep',
      inputs: [{ column: 'x', width: 4 }, 'y', { column: 'class', oneHot: 5 }],
      layers: [
        { type: 'batchNormalization' },
        { type: 'dense', units: 20, activation: 'relu' },
        { type: 'dense', units: 1 },
      ],
    },
  ],
  head: [{ type: 'activation', activation: 'sigmoid' }],
  loss: 'binaryCrossentropy',
  labels: ['label'],
};

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
// The ranks' communication threads run built files, so the built package is what is tested here.
import {
  adagrad,
  type CompiledModel,
  compileModel,
  ftrl,
  type ModelSpec,
  type ProcessGroup,
} from '../../dist/train/index.js';
import type { ParameterLayout } from '../../dist/train/parameters.js';
import { Updater } from '../../dist/train/update.js';
import type { Batch } from '../../src/records/index.js';
import { joinHere } from '../train/collective/join-here.js';
import { uniform } from '../train/model/batches.js';
import { withTempFolder } from './tensorflow.js';

const run = promisify(execFile);
const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('tensorflow_wide_deep.py', import.meta.url));

const STEPS = 200;
const BATCH = 510;
/** Four numbers and nine classes, one-hot. */
const [WIDE, DEEP] = [9, 13];

const SPEC: ModelSpec = {
  towers: [
    {
      name: 'wide',
      inputs: [{ column: 'classes', width: WIDE }],
      layers: [{ type: 'dense', units: 1 }],
      optimizer: 'wide',
    },
    {
      name: 'deep',
      inputs: [
        { column: 'numbers', width: DEEP - WIDE },
        { column: 'classes', width: WIDE },
      ],
      layers: [
        { type: 'batchNormalization' },
        { type: 'dense', units: 128, activation: 'relu' },
        { type: 'dense', units: 1 },
      ],
      optimizer: 'deep',
    },
  ],
  head: [{ type: 'activation', activation: 'sigmoid' }],
  loss: 'binaryCrossentropy',
  labels: ['label'],
};

interface Trained {
  losses: number[];
  weights: Record<string, number[]>;
  state: Record<string, number[]>;
  predictions: number[];
}

/** Rows of numbers, one-hot classes and a label that follows from them, by chance. */
function makeData(): Float32Array {
  const next = uniform(11);
  const below = (count: number): number => Math.min(Math.floor(((next() + 1) / 2) * count), count - 1);
  const data = new Float32Array(STEPS * BATCH * (DEEP + 1));
  for (let at = 0; at < data.length; at += DEEP + 1) {
    const [age, fare] = [30 + next() * 30, 50 + next() * 49];
    data.set([age, below(5), below(4), fare], at);
    const classes = [below(3), 3 + below(2), 5 + below(4)];
    for (const k of classes) data[at + 4 + k] = 1;
    const score = (classes[1] === 3 ? -1.5 : 1.5) + (fare - 50) / 40 - (age - 30) / 60;
    data[at + DEEP] = Number(next() / 2 + 0.5 < 1 / (1 + Math.exp(-score)));
  }
  return data;
}

function batchOf(data: Float32Array, step: number, from: number, to: number): Batch {
  const width = DEEP + 1;
  const size = to - from;
  const columns = { numbers: 4, classes: WIDE, label: 1 };
  let offset = 0;
  const made = Object.entries(columns).map(([name, length]) => {
    const values = new Float32Array(size * length);
    for (let row = 0; row < size; row++) {
      const at = ((step * BATCH + from + row) * width + offset) | 0;
      values.set(data.subarray(at, at + length), row * length);
    }
    offset += length;
    return [name, { layout: 'fixed', values, shape: length === 1 ? [] : [length] }] as const;
  });
  return { size, columns: Object.fromEntries(made), mask: new Uint8Array(size).fill(1) } as Batch;
}

function byName({ parameters }: ParameterLayout, values: Float32Array): Record<string, number[]> {
  return Object.fromEntries(
    parameters.map(({ name, offset, size }) => [name, [...values.subarray(offset, offset + size)]]),
  );
}

/** Trains a rank of its rows of each batch. */
async function train(group: ProcessGroup, model: CompiledModel, data: Float32Array): Promise<number[]> {
  const { rank, worldSize } = group;
  const optimizers = { wide: ftrl({ learningRate: 0.05, l1: 0.5 }), deep: adagrad({ learningRate: 0.05 }) };
  const updater = new Updater(group, model, optimizers);
  const cut = (r: number): number => Math.floor((r * BATCH) / worldSize);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const batch = batchOf(data, step, cut(rank), cut(rank + 1));
    const { loss } = await updater.apply(model.step(batch, { step, seed: 0, firstRow: cut(rank) }));
    losses.push(loss);
  }
  return losses;
}

/** |actual - expected| / (1 + |expected|), the largest. */
function distance(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!) / (1 + Math.abs(expected[i]!))));
}

for (const ranks of [1, 2]) {
  test(`wide & deep over ${STEPS} steps is TensorFlow's, ${ranks} rank(s)`, async () => {
    await withTempFolder(async (folder) => {
      const data = makeData();
      const groups = await joinHere(ranks);
      try {
        const models = groups.map((group) => compileModel(SPEC)(group));
        const [model] = models as [CompiledModel, ...CompiledModel[]];
        const job = {
          data: join(folder, 'data.f32'),
          steps: STEPS,
          batch: BATCH,
          wide: WIDE,
          deep: DEEP,
          ranks,
          weights: byName(model.layout, model.weights),
        };
        await writeFile(job.data, data);
        await writeFile(join(folder, 'job.json'), JSON.stringify(job));
        const { stdout } = await run(python, [script, join(folder, 'job.json')], { maxBuffer: 1 << 26 });
        const theirs = JSON.parse(stdout) as Trained;
        const [losses] = await Promise.all(groups.map((group, i) => train(group, models[i]!, data)));
        for (const other of models) expect(other.weights).toEqual(model.weights);
        expect(losses!.at(-1)).toBeLessThan(losses![0]!);
        expect(distance(losses!, theirs.losses)).toBeLessThan(1e-5);
        for (const [name, values] of Object.entries(byName(model.layout, model.weights))) {
          // Sums in another order bring some hidden units to the other side of relu's corner: biases drift apart.
          expect(distance(values, theirs.weights[name]!), name).toBeLessThan(1e-3);
        }
        // With several ranks TensorFlow's moving statistics have seen all of them, in turn.
        if (ranks > 1) return;
        for (const [name, values] of Object.entries(byName(model.stateLayout, model.state))) {
          expect(distance(values, theirs.state[name]!), name).toBeLessThan(1e-5);
        }
        const predictions = [...model.predict(batchOf(data, 0, 0, BATCH))];
        expect(distance(predictions, theirs.predictions)).toBeLessThan(1e-3);
      } finally {
        await Promise.all(groups.map((group) => group.close()));
      }
    });
  });
}

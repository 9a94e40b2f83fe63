import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { convert } from '../../../src/convert/index.js';
import { type Dataset, openDataset } from '../../../src/dataset/index.js';
import type { Schema } from '../../../src/records/index.js';
import { listCheckpoints, loadCheckpoint } from '../../../src/train/checkpoint/index.js';
import type { ProcessGroup } from '../../../src/train/collective/process-group.js';
import { compileModel, layersModel, type ModelSpec } from '../../../src/train/model/index.js';
import { adam, ftrl } from '../../../src/train/optimizers/index.js';
import type { FitOptions, FitResult } from '../../../src/train/trainer/index.js';
import { everySteps } from '../../../src/train/triggers.js';
import { uniform } from '../model/batches.js';
import { groupsHere } from '../support/groups.js';
import { distance, fitHere, options, weightsOf } from './ranks.js';

const SCHEMA: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'x', kind: 'float', shape: [4] },
    { name: 'label', kind: 'int64', shape: [] },
  ],
};
const ROWS = 500;

/** Dropout, batch normalisation and two optimizers: all that a resume could get wrong. */
const MODEL: ModelSpec = {
  towers: [
    { name: 'wide', inputs: [{ column: 'x', width: 4 }], layers: [{ type: 'dense', units: 1 }], optimizer: 'wide' },
    {
      name: 'deep',
      inputs: [{ column: 'x', width: 4 }],
      layers: [
        { type: 'batchNormalization' },
        { type: 'dense', units: 8, activation: 'relu' },
        { type: 'dropout', rate: 0.3 },
        { type: 'dense', units: 1 },
      ],
      optimizer: 'deep',
    },
  ],
  head: [{ type: 'activation', activation: 'sigmoid' }],
  loss: 'binaryCrossentropy',
  labels: ['label'],
};
/** The same without what depends on which rows a rank has. */
const [wide, deep] = MODEL.towers;
const PLAIN: ModelSpec = { ...MODEL, towers: [wide!, { ...deep!, layers: deep!.layers.slice(1) }] };

let folder: string;
let dataset: Dataset;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shardfeed-fit-'));
  const next = uniform(1);
  const rows = Array.from({ length: ROWS }, (_, id) => {
    const x = [next(), next(), next(), next()];
    return { id, x, label: Number(x[0]! + x[1]! * 0.5 + next() * 0.3 > 0) };
  });
  await convert({ input: rows, output: join(folder, 'data'), spec: SCHEMA, partitions: 3 });
  dataset = await openDataset(join(folder, 'data'), { scanCache: false });
});
afterEach(async () => {
  await dataset.close();
  await rm(folder, { recursive: true, force: true });
});

function given(more: Partial<FitOptions> = {}): Partial<FitOptions> {
  return {
    ...{ dataset, batches: undefined, model: compileModel(MODEL), epochs: 3, seed: 7 },
    optimizer: { wide: ftrl({ learningRate: 0.1, l1: 0.01 }), deep: adam({ learningRate: 0.01 }) },
    read: { globalBatchSize: 64, shuffle: true },
    ...more,
  } as Partial<FitOptions>;
}
const saving = (every = 5, more: object = {}) => ({
  checkpoint: { folder: join(folder, 'saved'), every: everySteps(every), ...more },
});

/** Which records each step had, by what ranks saw of them. */
function watched(model: ModelSpec, seen: Map<number, number[]>): FitOptions['model'] {
  return (group: ProcessGroup) => {
    const made = compileModel(model)(group);
    const step = made.step.bind(made);
    made.step = (batch, context) => {
      const ids = [...(batch.columns.id as unknown as { values: Float64Array }).values].filter(
        (_, i) => batch.mask[i] === 1,
      );
      seen.set(context.step, [...(seen.get(context.step) ?? []), ...ids]);
      return step(batch, context);
    };
    return made;
  };
}

describe('a training that goes on from a checkpoint', () => {
  it.each([1, 2, 3])(
    'has the bits of one that was not interrupted, on %i ranks, wherever that was',
    async (worldSize) => {
      const whole = await fitHere(worldSize, given());
      expect(whole[0]!.step).toBe(24);
      for (const steps of [3, 8, 13]) {
        const checkpoint = { folder: join(folder, `saved-${steps}`), every: everySteps(2) };
        await fitHere(worldSize, given({ steps, checkpoint }));
        const resumed = await fitHere(worldSize, given({ checkpoint }));
        for (const [rank, result] of resumed.entries()) {
          expect(weightsOf(result)).toEqual(weightsOf(whole[rank]!));
          expect([...result.model.state]).toEqual([...whole[rank]!.model.state]);
          expect(result.history).toEqual(whole[rank]!.history);
          expect(result).toMatchObject({ step: 24, epoch: 3, ended: 'complete' });
        }
      }
    },
  );

  it('reads the same records in the same steps on another number of ranks, to about the same weights', async () => {
    const model = (seen: Map<number, number[]>) => watched(PLAIN, seen);
    const before = new Map<number, number[]>();
    const whole = await fitHere(2, given({ model: model(before) }));
    const after = new Map<number, number[]>();
    await fitHere(2, given({ model: model(after), steps: 11, ...saving() }));
    const resumed = await fitHere(4, given({ model: model(after), ...saving() }));
    const again = await fitHere(3, given({ model: model(after), epochs: 4, ...saving() }));
    expect(again[0]!.step).toBe(32);
    const sorted = (ids?: number[]): number[] => (ids ?? []).toSorted((a, b) => a - b);
    for (let step = 0; step < 24; step++) expect(sorted(after.get(step))).toEqual(sorted(before.get(step)));
    expect(new Set([...after].filter(([step]) => step < 8).flatMap(([, ids]) => ids)).size).toBe(ROWS);
    expect(distance(weightsOf(resumed[0]!), weightsOf(whole[0]!))).toBeLessThan(1e-5);
    expect(resumed[0]!.history.map(({ metrics }) => metrics.loss)).toEqual(
      whole[0]!.history.map(({ metrics }) => expect.closeTo(metrics.loss!, 5)),
    );
  });

  it('is over when it was', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warnings.mockRestore());
    const [once] = await fitHere(2, given(saving()));
    const [again] = await fitHere(2, given(saving()));
    expect(again!.step).toBe(once!.step);
    expect(weightsOf(again!)).toEqual(weightsOf(once!));
    expect(again!.history).toEqual(once!.history);
    expect([once!.newSteps, again!.newSteps]).toEqual([24, 0]);
    const told = warnings.mock.calls.map(([text]) => String(text));
    expect(told).toEqual([
      `nothing was trained: the training in ${join(folder, 'saved')} had come to its end, at step 24, after 3 epochs; ` +
        'to go on, ask for more epochs or steps; to begin anew, name another folder',
    ]);
  });

  it('keeps what it is told to, and goes back to a step on request', async () => {
    await fitHere(1, given(saving(3, { keep: 100 })));
    const steps = async (): Promise<number[]> =>
      (await listCheckpoints(join(folder, 'saved'))).map(({ step }) => step).reverse();
    expect(await steps()).toEqual([3, 6, 9, 12, 15, 18, 21, 24]);
    const [back] = await fitHere(1, given({ steps: 14, ...saving(3, { keep: 100, resume: 12 }) }));
    expect(back!.step).toBe(14);
    expect(await steps()).toEqual([3, 6, 9, 12, 14]);
    await expect(fitHere(1, given({ steps: 2, ...saving(3, { resume: false }) }))).rejects.toThrowError(
      /another course/,
    );
  });

  it('goes back to a step, or begins anew, in the first attempt alone: restarts go on from what the job has written', async () => {
    await fitHere(1, given(saving(3, { keep: 100 })));
    const attempt = async (jobId: string, number: number, steps: number, resume: number | boolean, at = 'saved') => {
      const checkpoint = { folder: join(folder, at), every: everySteps(3), keep: 100, resume };
      const groups = groupsHere(1).map((group) => ({ ...group, jobId, attempt: number }));
      const [{ newSteps }] = (await fitHere(1, given({ steps, checkpoint }), groups)) as [FitResult];
      return newSteps;
    };
    // What was given up is not gone on from, also where the first attempt saved nothing.
    expect(await attempt('a', 1, 14, 12)).toBe(2);
    expect(await attempt('a', 1, 18, 12)).toBe(4);
    expect(await attempt('b', 0, 20, 12)).toBe(8);
    expect(await attempt('b', 1, 22, 12)).toBe(2);

    expect(await attempt('c', 0, 5, false, 'new')).toBe(5);
    expect(await attempt('c', 1, 8, false, 'new')).toBe(3);
    await expect(attempt('d', 1, 2, false, 'new')).rejects.toThrowError(/another course/);
  });

  it('may have other metrics than before: what is new counts from there', async () => {
    const whole = await fitHere(2, given({ metrics: ['auc', 'accuracy'] }));
    const checkpoint = { folder: join(folder, 'saved'), every: everySteps(2) };
    await fitHere(2, given({ steps: 11, metrics: ['accuracy'], checkpoint }));
    const [resumed] = await fitHere(2, given({ metrics: ['auc', 'accuracy'], checkpoint }));
    expect(weightsOf(resumed!)).toEqual(weightsOf(whole[0]!));
    const [, second, third] = resumed!.history.map(({ metrics }) => metrics);
    const [, wholeSecond, wholeThird] = whole[0]!.history.map(({ metrics }) => metrics);
    expect(third).toEqual(wholeThird);
    expect(second).toEqual({ ...wholeSecond, auc: expect.any(Number) });
    expect(second!.auc).not.toBe(wholeSecond!.auc);
  });

  it('keeps the best of an epoch’s end: checkpoints within an epoch have no metrics', async () => {
    const checkpoint = {
      folder: join(folder, 'saved'),
      every: everySteps(2),
      keep: 1,
      best: { metric: 'loss', mode: 'max' } as const,
    };
    await fitHere(1, given({ steps: 14, checkpoint }));
    const kept = await listCheckpoints(join(folder, 'saved'));
    expect(kept.map(({ step, info }) => [step, info?.metrics !== undefined])).toEqual([
      [14, false],
      [8, true],
    ]);
  });

  it('refuses a checkpoint of another seed, model, optimizer or dataset', async () => {
    await fitHere(1, given({ steps: 3, ...saving() }));
    const resume = (more: Partial<FitOptions>) => fitHere(1, given({ ...saving(), ...more }));
    await expect(resume({ seed: 8 })).rejects.toThrowError(/of a training with seed 7, this one has 8/);
    await expect(resume({ model: compileModel(PLAIN) })).rejects.toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
    const deepFtrl = { wide: ftrl(), deep: ftrl() };
    await expect(resume({ optimizer: deepFtrl })).rejects.toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
    await convert({
      input: [{ id: 1, x: [1, 2, 3, 4], label: 1 }],
      output: join(folder, 'other'),
      spec: SCHEMA,
      partitions: 1,
    });
    await using other = await openDataset(join(folder, 'other'), { scanCache: false });
    await expect(resume({ dataset: other })).rejects.toThrowError(/dataset with the fingerprint/);
  });

  it('has in it what says how far and how good it is', async () => {
    const validation = { dataset, read: { globalBatchSize: 100 } };
    await fitHere(2, given({ validation, metrics: ['auc'], epochs: 1, ...saving() }));
    const { info, tensors } = (await loadCheckpoint(join(folder, 'saved')))!;
    expect(info).toMatchObject({ step: 8, epoch: 1, seed: 7, worldSize: 2, fingerprint: dataset.fingerprint });
    expect(Object.keys(info.metrics!).sort()).toEqual(['auc', 'loss', 'val_auc', 'val_loss']);
    expect(Object.keys(tensors)).toEqual(
      expect.arrayContaining([
        'weights/deep/dense/kernel',
        'state/deep/batch_normalization/moving_mean',
        'optimizer/wide/linear',
        'optimizer/deep/velocity',
      ]),
    );
  });
});

it('a model of TensorFlow.js as it is trains with the loss that it was compiled with, on the columns of the dataset', async () => {
  const network = (): tf.LayersModel => {
    const x = tf.input({ shape: [4], name: 'x' });
    const dense = tf.layers.dense({ units: 1, activation: 'sigmoid', name: 'dense', kernelInitializer: 'zeros' });
    return tf.model({ inputs: x, outputs: dense.apply(x) as tf.SymbolicTensor });
  };
  const schema = { ...SCHEMA, labels: ['label'] };
  await using labelled = await openDataset(join(folder, 'data'), { schema, scanCache: false });
  const how = { dataset: labelled, optimizer: adam({ learningRate: 0.01 }) };
  const bare = network();
  bare.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
  const [one] = await fitHere(1, given({ ...how, model: bare }));
  const maker = layersModel(network(), { loss: 'binaryCrossentropy', schema });
  const [two] = await fitHere(1, given({ ...how, model: maker }));
  expect(weightsOf(one!)).toEqual(weightsOf(two!));
  expect(new Set(weightsOf(one!))).toEqual(new Set(bare.getWeights().flatMap((weight) => [...weight.dataSync()])));
  await expect(fitHere(1, given({ ...how, model: network() }))).rejects.toThrowError(/has no loss/);
});

describe('SIGTERM', () => {
  it('makes all ranks write a checkpoint after the step, stop, and go on from there', async () => {
    const whole = await fitHere(2, given());
    const exitCode = process.exitCode;
    try {
      const stopAt = {
        onStep: ({ step }: { step: number }) => void (step === 10 && process.emit('SIGTERM', 'SIGTERM')),
      };
      const stopped = await fitHere(2, (rank) =>
        given({ ...saving(100), handleSignals: true, ...(rank === 1 && { callbacks: stopAt }) }),
      );
      expect(process.exitCode).toBe(75);
      for (const result of stopped) expect(result).toMatchObject({ ended: 'stopped', step: 12 });
      expect(process.listenerCount('SIGTERM')).toBe(0);
    } finally {
      process.exitCode = exitCode;
    }
    expect((await listCheckpoints(join(folder, 'saved')))[0]).toMatchObject({ step: 12 });
    const resumed = await fitHere(2, given(saving(100)));
    expect(weightsOf(resumed[1]!)).toEqual(weightsOf(whole[1]!));
  });

  it('comes from the launcher too; without a checkpoint the code is 143', async () => {
    const groups = groupsHere(2);
    (groups[1] as { stopRequested: boolean }).stopRequested = true;
    const exitCode = process.exitCode;
    const stopped = await fitHere(2, given(), groups);
    const ended = process.exitCode;
    process.exitCode = exitCode;
    expect(ended).toBe(143);
    for (const result of stopped) expect(result).toMatchObject({ ended: 'stopped', step: 1 });
    expect(options.handleSignals).toBe(false);
  });
});

it('a dataset’s rows drop out the same units, however many ranks there are', async () => {
  const results = await Promise.all(
    [1, 2, 4].map((worldSize) => fitHere(worldSize, given({ model: compileModel(PLAIN) }))),
  );
  for (const [result] of results) expect(distance(weightsOf(result!), weightsOf(results[0]![0]!))).toBeLessThan(1e-5);
});

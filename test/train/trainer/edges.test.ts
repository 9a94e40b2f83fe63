import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShardfeedError } from '../../../src/errors.js';
import { listCheckpoints } from '../../../src/train/checkpoint/index.js';
import type { ProcessGroup } from '../../../src/train/collective/process-group.js';
import { broadcastVariables, type FreeModel, freeModel } from '../../../src/train/free/index.js';
import { compileModel } from '../../../src/train/model/index.js';
import { sgd } from '../../../src/train/optimizers/index.js';
import { type BatchSource, fit as train } from '../../../src/train/trainer/index.js';
import { everyEpochs, everySteps, onPlateau } from '../../../src/train/triggers.js';
import { joinHere } from '../collective/join-here.js';
import { someBatch } from '../model/batches.js';
import { groupsHere } from '../support/groups.js';
import { DENSE, fitHere, options, shares } from './ranks.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shardfeed-edges-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Gives the loss of the batch's first `y`, and remembers a mean of all. */
class Remembering implements FreeModel {
  readonly variables = { w: new Float32Array([1]) };
  readonly state = { mean: new Float32Array(1) };
  readonly losses: number[];
  constructor(losses: number[]) {
    this.losses = losses;
  }
  trainStep() {
    this.state.mean[0] = this.state.mean[0]! * 0.9 + this.losses.shift()! * 0.1;
    return { gradients: { w: [1] }, loss: this.state.mean[0]!, weight: 1 };
  }
  predict() {
    return this.variables.w;
  }
  evaluate() {
    const [predictions, labels, weights] = [this.predict(), new Float32Array(1), new Float32Array([1])];
    return { predictions, labels, weights, loss: predictions[0]!, weight: 1 };
  }
}

describe('fit at its edges', () => {
  it('writes a checkpoint after every so many updates, where an epoch ends with one of them too', async () => {
    const seen: number[] = [];
    const callbacks = { onCheckpoint: ({ step }: { step: number }) => void seen.push(step) };
    await fitHere(1, { epochs: 3, checkpoint: { folder, every: everySteps(3) }, callbacks });
    expect(seen).toEqual([3, 6, 9, 12, 15, 18]);
    expect((await listCheckpoints(folder)).map(({ step }) => step)).toEqual([18, 15, 12]);
  });

  it('asks whether it is to end only after an update', async () => {
    expect((await fitHere(1, { end: everyEpochs(2) }))[0]).toMatchObject({ epoch: 2, step: 12 });
    const end = ({ epochEnd, history }: Parameters<ReturnType<typeof everyEpochs>>[0]) =>
      epochEnd && history.at(-1)!.metrics.loss! < 10;
    expect((await fitHere(2, { end }))[0]).toMatchObject({ epoch: 1 });
  });

  it('validates the one epoch that there is', async () => {
    const [result] = await fitHere(1, { validation: { batches: shares(33, 3), every: 2 } });
    expect(result!.history[0]!.metrics).toHaveProperty('val_loss');
  });

  it('keeps metrics that are not numbers as such over a resume', async () => {
    const model = () => freeModel(new Remembering(Array.from({ length: 24 }, () => -1)));
    const evaluation = {
      predictions: new Float32Array(1),
      labels: new Float32Array(1),
      weights: new Float32Array([1]),
    };
    const broken = (): FreeModel => ({
      ...new Remembering(Array.from({ length: 24 }, () => 1)),
      trainStep: () => ({ gradients: { w: [1] }, weight: 1 }),
      evaluate: () => ({ ...evaluation, loss: Number.NaN, weight: 1 }),
    });
    const given = { validation: { batches: shares(9, 1) }, checkpoint: { folder } };
    await fitHere(1, { ...given, model: freeModel(broken()), epochs: 1 });
    const [resumed] = await fitHere(1, { ...given, model: model(), epochs: 3, end: onPlateau({ direction: 'max' }) });
    expect(resumed!.history[0]!.metrics.val_loss).toBeNaN();
    expect(resumed!.history.map(({ metrics }) => typeof metrics.val_loss)).not.toContain('object');
  });

  it('goes on after a loss that was not finite, with the state and the metrics from before it', async () => {
    const made = new Remembering([1, Number.NaN, 1, 1, 1, 1]);
    const [result] = await fitHere(1, {
      model: freeModel(made),
      notFinite: 'skip',
      optimizer: sgd({ learningRate: 0.1 }),
    });
    expect(made.state.mean[0]).toBeGreaterThan(0);
    expect(made.variables.w[0]).toBeCloseTo(0.5, 5);
    expect(result!.step).toBe(6);

    const bad = someBatch(60, 2);
    const x = bad.columns.x as unknown as { values: Float32Array };
    const spoiled = {
      ...bad,
      columns: { ...bad.columns, x: { ...x, values: x.values.map((_, i) => (i % 2 === 0 ? 3e38 : -3e38)) } },
    };
    const batches: BatchSource = () => [someBatch(60, 1), spoiled as unknown as typeof bad, someBatch(60, 3)];
    const [skipped] = await fitHere(1, { batches, notFinite: 'skip', metrics: ['logLoss', 'accuracy'] });
    const [without] = await fitHere(1, {
      batches: () => [someBatch(60, 1), someBatch(60, 3)],
      metrics: ['logLoss', 'accuracy'],
    });
    expect(skipped!.history[0]!.metrics).toEqual(without!.history[0]!.metrics);
  });

  it('closes the model where training fails', async () => {
    let closed = 0;
    const model: (typeof options)['model'] = (group) => {
      const made = compileModel(DENSE)(group);
      const close = made.close.bind(made);
      made.close = () => {
        closed++;
        close();
      };
      return made;
    };
    const callbacks = {
      onStep() {
        throw new ShardfeedError('SHARDFEED_USAGE', 'enough');
      },
    };
    await expect(fitHere(1, { model, callbacks })).rejects.toThrowError('enough');
    expect(closed).toBe(1);
    await expect(fitHere(1, { model, frozen: ['nothing'] })).rejects.toThrowError('no parameter');
    expect(closed).toBe(2);
    await fitHere(1, { model });
    expect(closed).toBe(3);
  });

  it('tells of an error at once, even while the next batch is under way', async () => {
    let told = false;
    const batches: BatchSource = async function* ({ signal }) {
      yield someBatch(60, 1);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const [group] = groupsHere(1);
    const fail = async () => {
      told = true;
    };
    const model = () =>
      freeModel({
        variables: { w: new Float32Array(1) },
        trainStep() {
          throw new Error('no such layer');
        },
      });
    await expect(fitHere(1, { batches, model: model() }, [{ ...group!, fail }])).rejects.toThrowError('no such layer');
    expect(told).toBe(true);
    // Nor does a source that does not listen keep it.
    const deaf: BatchSource = async function* () {
      yield someBatch(60, 1);
      await new Promise(() => {});
    };
    await expect(fitHere(1, { batches: deaf, model: model() })).rejects.toThrowError('no such layer');
  });

  it('ends the wait for data when another rank fails, in training and in validation', async () => {
    const waiting: BatchSource = async function* ({ rank }) {
      yield someBatch(60, 1);
      if (rank === 0) await new Promise(() => {});
      throw new Error('the disk is gone');
    };
    for (const data of [{ batches: waiting }, { validation: { batches: waiting } }]) {
      const groups = await joinHere(2);
      const [slow, broken] = await Promise.allSettled(
        groups.map((group) => train({ ...options, ...data, group: group as unknown as ProcessGroup })),
      );
      expect(broken).toMatchObject({ reason: { message: 'the disk is gone' } });
      expect(slow).toMatchObject({
        reason: { code: 'SHARDFEED_RANK_FAILED', message: expect.stringContaining('the disk is gone') },
      });
      await Promise.all(groups.map((group) => group.close()));
    }
  });

  it('tells all ranks alike that the folder of checkpoints cannot be written, before it trains', async () => {
    await writeFile(join(folder, 'file'), '');
    const steps: number[] = [];
    const callbacks = { onStep: ({ step }: { step: number }) => void steps.push(step) };
    const checkpoint = { folder: join(folder, 'file', 'checkpoints') };
    const failed = await Promise.allSettled(
      groupsHere(3).map((group) => train({ ...options, callbacks, checkpoint, group })),
    );
    const [{ reason }] = failed as [PromiseRejectedResult];
    expect(reason).toMatchObject({
      code: expect.stringMatching(/^SHARDFEED_/),
      message: expect.stringContaining('no checkpoint can be written in'),
    });
    for (const each of failed) expect(each).toMatchObject({ reason: { code: reason.code, message: reason.message } });
    expect(steps).toEqual([]);
    await fitHere(1, { checkpoint: { folder } });
    expect((await readdir(folder)).sort()).toEqual(['file', 'step-000000000006.safetensors']);
  });

  it('refuses a best by a metric that there is not', async () => {
    const best = { metric: 'val_loss', mode: 'min' } as const;
    await expect(fitHere(1, { checkpoint: { folder, best } })).rejects.toMatchObject({
      code: 'SHARDFEED_USAGE',
      message: 'best: there is no metric "val_loss": there are loss',
    });
  });
});

describe('models of the user', () => {
  it('are called as methods', async () => {
    const [result] = await fitHere(1, {
      model: freeModel(new Remembering([1, 1, 1, 1, 1, 1])),
      validation: { batches: shares(1, 1) },
    });
    expect(result!.history[0]!.metrics.val_loss).toBeDefined();
    expect(await result!.model.predict(someBatch(1, 1))).toHaveLength(1);
  });

  it('take no more memory of the group with each broadcast', async () => {
    const [group] = groupsHere(1);
    const variables = { w: new Float32Array(1 << 20) };
    await broadcastVariables(group!, variables);
    const { byteLength } = group!.memory.wasm.buffer;
    for (let i = 0; i < 3; i++) await broadcastVariables(group!, variables);
    expect(group!.memory.wasm.buffer.byteLength).toBe(byteLength);
  });
});

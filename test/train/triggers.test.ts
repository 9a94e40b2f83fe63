import { describe, expect, it } from 'vitest';
import type { EpochLog } from '../../src/train/history.js';
import {
  afterEpochs,
  afterSeconds,
  afterSteps,
  anyOf,
  everyEpochs,
  everySeconds,
  everySteps,
  onImprovement,
  onPlateau,
  type Progress,
} from '../../src/train/triggers.js';

const start: Progress = { step: 0, epoch: 0, epochEnd: false, seconds: 0, secondsSinceCheckpoint: 0, history: [] };

function ended(values: number[], name = 'val_loss'): Progress {
  const history: EpochLog[] = values.map((value, epoch) => ({
    epoch,
    step: epoch,
    metrics: { loss: 1, [name]: value },
  }));
  return { ...start, epoch: values.length, epochEnd: true, history };
}

describe('triggers', () => {
  it('count updates, epochs and seconds', () => {
    expect([9, 10, 11].map((step) => afterSteps(10)({ ...start, step }))).toEqual([false, true, true]);
    expect([9, 10, 11].map((step) => everySteps(10)({ ...start, step }))).toEqual([false, true, false]);
    expect([1, 2].map((epoch) => afterEpochs(2)({ ...start, epoch }))).toEqual([false, true]);
    expect([1, 2].map((epoch) => everyEpochs(2)({ ...start, epoch, epochEnd: true }))).toEqual([false, true]);
    expect(everyEpochs()({ ...start, epoch: 1 })).toBe(false);
    expect([4, 5].map((seconds) => afterSeconds(5)({ ...start, seconds }))).toEqual([false, true]);
    expect([4, 5].map((seconds) => everySeconds(5)({ ...start, secondsSinceCheckpoint: seconds }))).toEqual([
      false,
      true,
    ]);
    expect(() => afterSteps(0)).toThrowError(/afterSteps\(\) takes a number above 0/);
  });

  it('look at whether a metric gets better', () => {
    expect([[3], [3, 2], [3, 2, 2]].map((values) => onImprovement()(ended(values)))).toEqual([true, true, false]);
    const stop = onPlateau({ patience: 2 });
    expect([[3], [3, 3], [3, 3, 3], [3, 3, 2], [3, 3, 2, 4, 5]].map((values) => stop(ended(values)))).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
    const auc = onPlateau({ monitor: 'val_auc', minDelta: 0.1 });
    expect(
      [
        [0.5, 0.7],
        [0.5, 0.55],
      ].map((values) => auc(ended(values, 'val_auc'))),
    ).toEqual([false, true]);
    expect(onPlateau()(ended([Number.NaN]))).toBe(true);
    expect(() => onPlateau({ monitor: 'val_f1' })(ended([1]))).toThrowError(
      /no metric "val_f1" to monitor: there are loss, val_loss/,
    );
  });

  it('are joined', () => {
    const either = anyOf(afterSteps(5), afterEpochs(1));
    expect([start, { ...start, step: 5 }, ended([1])].map(either)).toEqual([false, true, true]);
  });
});

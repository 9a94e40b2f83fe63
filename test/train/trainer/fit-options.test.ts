import { describe, expect, it } from 'vitest';
import { adam } from '../../../src/train/optimizers/index.js';
import { checkFitOptions, type FitOptions } from '../../../src/train/trainer/fit-options.js';

const good: object = {
  model: () => {
    throw new Error('not made');
  },
  batches: () => [],
  optimizer: adam(),
};
const dataset = { plan() {}, batches() {} };

describe('options of fit', () => {
  it.each<[string, object, RegExp]>([
    ['no optimizer', { optimizer: undefined }, /fit wants the option optimizer/],
    ["an optimizer's name", { optimizer: 'adam' }, /optimizer is "adam", an optimizer/],
    ['one metric', { metrics: 'auc' }, /metrics is "auc", a list/],
    ['a path for a dataset', { dataset: 'data/train' }, /dataset is "data\/train", what openDataset resolves to/],
    ['a dataset not waited for', { dataset: Promise.resolve(dataset) }, /what openDataset resolves to is wanted/],
    ['validation that is a dataset', { validation: dataset }, /\{ dataset \} or \{ batches \} is wanted/],
    ['a misspelt limit', { clip: { globalnorm: 1 } }, /clip has no option "globalnorm": did you mean globalNorm/],
    ['a misspelt event', { callbacks: { onstep() {} } }, /callbacks has no option "onstep": did you mean onStep/],
    ['a best of no direction', { checkpoint: { folder: 'c', best: { metric: 'auc', mode: 'up' } } }, /mode is "up"/],
  ])('refuses %s', (_, options, message) => {
    expect(() => checkFitOptions({ ...good, ...options } as FitOptions)).toThrow(message);
  });

  it('takes callbacks with a state of their own', () => {
    const callbacks = [{ seen: 0, onStep() {} }];
    expect(() => checkFitOptions({ ...good, callbacks } as unknown as FitOptions)).not.toThrow();
  });
});

import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { auc, binaryAccuracy, precision, recall } from '../../src/train/metrics/index.js';
import { compileModel, layersModel } from '../../src/train/model/index.js';
import {
  cosineDecay,
  exponentialDecay,
  polynomialDecay,
  reduceOnPlateau,
  stepDecay,
  warmUp,
} from '../../src/train/schedules/index.js';
import { evaluate } from '../../src/train/trainer/index.js';
import { onImprovement, onPlateau } from '../../src/train/triggers.js';

const wrong = (options: object): never => options as never;

it.each<[() => unknown, string]>([
  [() => onPlateau(wrong({ patiens: 3 })), 'onPlateau() has no option "patiens": did you mean patience?'],
  [() => onPlateau(wrong({ patience: '3' })), 'onPlateau(): patience is "3", a whole number from 0 is wanted'],
  [
    () => onImprovement(wrong({ metric: 'auc' })),
    'onImprovement() has no option "metric": there are monitor, patience',
  ],
  [() => onImprovement(wrong({ direction: 'up' })), "direction is \"up\", 'min' or 'max' is wanted"],
  [
    () => reduceOnPlateau(1, wrong({ min_rate: 0.1 })),
    'reduceOnPlateau() has no option "min_rate": did you mean minRate?',
  ],
  [() => warmUp(1, wrong({ steps: 5, form: 0.1 })), 'warmUp() has no option "form": did you mean from?'],
  [() => stepDecay(1, wrong({ evry: 5, factor: 0.1 })), 'stepDecay() has no option "evry": did you mean every?'],
  [() => stepDecay(1, wrong({ every: 5, factor: 'half' })), 'factor is "half", a number is wanted'],
  [() => exponentialDecay(1, wrong({ steps: 5, factor: 0.1, stair: true })), 'did you mean staircase?'],
  [() => cosineDecay(1, wrong({ step: 5 })), 'cosineDecay() has no option "step": did you mean steps?'],
  [() => cosineDecay(1, 5 as never), 'cosineDecay() takes an object of options, not 5'],
  [() => polynomialDecay(1, wrong({ steps: 5, pow: 2 })), 'polynomialDecay() has no option "pow": did you mean power?'],
  [() => auc(wrong({ threshold: 0.5 })), 'auc() has no option "threshold": did you mean thresholds?'],
  [() => precision(wrong({ thresholds: 0.5 })), 'precision() has no option "thresholds": did you mean threshold?'],
  [() => recall(wrong({ thresholds: 0.5 })), 'recall() has no option "thresholds": did you mean threshold?'],
  [() => binaryAccuracy(wrong({ at: 0.5 })), 'binaryAccuracy() has no option "at": there are threshold'],
  [() => compileModel({} as never, wrong({ shema: {} })), 'compileModel has no option "shema": did you mean schema?'],
  [() => layersModel(tf.sequential(), wrong({ los: 'x' })), 'layersModel has no option "los": did you mean loss?'],
  [
    () => layersModel(tf.sequential(), { loss: 'mse' as never }),
    'its loss is "mse": give layersModel(model, { loss })',
  ],
  [() => layersModel(tf.sequential()), 'it has no loss: give layersModel(model, { loss }) one of binaryCrossentropy'],
])('a misspelt option is refused, %#', (make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE', message: expect.stringContaining(message) }));
});

it('evaluate refuses them too', async () => {
  const options = { batches: () => [], metrcs: ['auc'] };
  await expect(evaluate(wrong(options))).rejects.toThrow('evaluate has no option "metrcs": did you mean metrics?');
});

it('a spec’s problem is said once', () => {
  expect(() => compileModel({} as never)).toThrow('model.towers: expected array, got undefined');
  const layers = [{ type: 'dense', units: '8' }];
  expect(() => compileModel({ towers: [{ inputs: ['x'], layers }], loss: 'meanSquaredError' } as never)).toThrow(
    'model.towers[0].layers[0].units: expected number, got "8"',
  );
});

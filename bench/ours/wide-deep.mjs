// The wide & deep model of train.py on titanic, as shardfeed's users write it: specs of features and of the model.
import { parseSchema } from '../../dist/index.js';
import { adagrad, ftrl } from '../../dist/train/index.js';
import { modelSpecOf } from '../lib/tables.mjs';

export const schema = parseSchema(modelSpecOf('titanic'));

const vocabulary = (column, values) => ({ op: 'vocabulary', column, values, outOfVocabulary: 0 });
export const features = [
  vocabulary('Pclass', [1, 2, 3]),
  vocabulary('Sex', ['male', 'female']),
  vocabulary('Embarked', ['S', 'C', 'Q', '']),
];

const classes = [
  { column: 'Pclass', oneHot: 3 },
  { column: 'Sex', oneHot: 2 },
  { column: 'Embarked', oneHot: 4 },
];

export const model = {
  towers: [
    {
      name: 'wide',
      inputs: classes,
      layers: [{ type: 'dense', units: 1, kernelInitializer: 'zeros' }],
      optimizer: 'wide',
    },
    {
      name: 'deep',
      inputs: ['Age', 'SibSp', 'Parch', 'Fare', ...classes],
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
};

export const optimizer = {
  wide: ftrl({ learningRate: 0.05, l1: 0.5 }),
  deep: adagrad({ learningRate: 0.05 }),
};

export const columns = ['Pclass', 'Sex', 'Age', 'SibSp', 'Parch', 'Fare', 'Embarked', 'Survived'];

// shardfeed train examples/titanic.mjs --workers 2 -- TRAIN TEST [EPOCHS] [BATCH]: wide & deep on the table that the benchmarks make (who survived?), as
// tf2-onspark has it: FTRL with l1 for the wide part, Adagrad for the deep one.
import { compileFeatures, openDataset } from 'shardfeed';
import { adagrad, compileModel, fit, ftrl } from 'shardfeed/train';

const [trainUri, testUri, epochs = '1', batch = '512'] = process.argv.slice(2);
if (testUri === undefined) {
  console.error('usage: node examples/titanic.mjs TRAIN TEST [EPOCHS] [BATCH]: TRAIN and TEST are datasets');
  process.exit(2);
}
const train = await openDataset(trainUri);
const test = await openDataset(testUri);
const prepare = compileFeatures(
  [
    { op: 'vocabulary', column: 'Pclass', values: [1, 2, 3], outOfVocabulary: 0 },
    { op: 'vocabulary', column: 'Sex', values: ['male', 'female'], outOfVocabulary: 0 },
    { op: 'vocabulary', column: 'Embarked', values: ['S', 'C', 'Q', ''], outOfVocabulary: 0 },
    { op: 'select', columns: ['Pclass', 'Sex', 'Embarked', 'Age', 'SibSp', 'Parch', 'Fare', 'Survived'] },
  ],
  train,
);
const categories = [
  { column: 'Pclass', oneHot: 3 },
  { column: 'Sex', oneHot: 2 },
  { column: 'Embarked', oneHot: 4 },
];
const { history } = await fit({
  model: compileModel({
    towers: [
      { name: 'wide', inputs: categories, layers: [{ type: 'dense', units: 1 }], optimizer: 'wide' },
      {
        name: 'deep',
        inputs: ['Age', 'SibSp', 'Parch', 'Fare', ...categories],
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
    labels: ['Survived'],
  }),
  dataset: train,
  read: { globalBatchSize: Number(batch), shuffle: true },
  prepare: (stream) => stream.map(prepare),
  validation: { dataset: test, read: { globalBatchSize: 4096 }, prepare: (stream) => stream.map(prepare) },
  optimizer: { wide: ftrl({ learningRate: 0.05, l1: 0.5 }), deep: adagrad({ learningRate: 0.05 }) },
  metrics: ['binaryAccuracy', 'auc', 'logLoss'],
  epochs: Number(epochs),
});
if ((process.env.RANK ?? '0') === '0') console.log(JSON.stringify(history.at(-1).metrics));
await Promise.all([train.close(), test.close()]);

// shardfeed train examples/train-birdstrikes.mjs --workers 2 -- DATASET: did the strike do damage? Wide & deep (Cheng et al., arXiv:1606.07792)
// over DATASET/train, judged on DATASET/test. The same script runs alone: node examples/train-birdstrikes.mjs DATASET
import { compileFeatures, openDataset } from 'shardfeed';
import { adagrad, compileModel, fit, ftrl } from 'shardfeed/train';

const [folder, checkpoints] = process.argv.slice(2);
if (folder === undefined) {
  console.error(
    'usage: node examples/train-birdstrikes.mjs DATASET [CHECKPOINTS]: DATASET has the splits train and test',
  );
  process.exit(2);
}
const train = await openDataset(`${folder}/train`);
const test = await openDataset(`${folder}/test`);

// Columns of text become classes: the most frequent values of the training data, and one class for all others.
const DAMAGE = 'Effect Amount of damage';
const texts = { Phase: 'Phase of flight', Size: 'Wildlife Size', Species: 'Wildlife Species', Time: 'Time of day' };
const carriers = { Operator: 'Aircraft Airline Operator', Aircraft: 'Aircraft Make Model', State: 'Origin State' };
const classes = Object.entries({ ...texts, ...carriers });
const prepare = compileFeatures(
  [
    ...classes.map(([as, column]) => ({ op: 'vocabulary', column, top: 25, as })),
    { op: 'cross', columns: ['Wildlife Size', 'Phase of flight'], buckets: 64, as: 'SizeInPhase' },
    { op: 'normalize', column: 'Speed IAS in knots', as: 'Speed' },
    {
      op: 'vocabulary',
      column: DAMAGE,
      values: ['None', 'Minor', 'Medium', 'Substantial'],
      outOfVocabulary: 0,
      as: 'Damage',
    },
    { op: 'bucketize', column: 'Damage', boundaries: [1] }, // 0: none, 1: some
  ],
  train,
);
const oneHot = (column) => ({ column, oneHot: prepare.classes[column] });
const categories = classes.map(([name]) => oneHot(name));
const model = compileModel({
  towers: [
    {
      name: 'wide',
      inputs: [...categories, oneHot('SizeInPhase')],
      layers: [{ type: 'dense', units: 1 }],
      optimizer: 'wide',
    },
    {
      name: 'deep',
      inputs: ['Speed', ...categories],
      layers: [
        { type: 'batchNormalization' },
        { type: 'dense', units: 64, activation: 'relu' },
        { type: 'dropout', rate: 0.3 },
        { type: 'dense', units: 1 },
      ],
      optimizer: 'deep',
    },
  ],
  head: [{ type: 'activation', activation: 'sigmoid' }],
  loss: 'binaryCrossentropy',
  labels: ['Damage'],
});

let records = 0;
const started = performance.now();
const { history } = await fit({
  model,
  dataset: train,
  read: { globalBatchSize: 256, shuffle: true },
  prepare: (stream) => stream.map(prepare),
  validation: { dataset: test, prepare: (stream) => stream.map(prepare) },
  optimizer: { wide: ftrl({ learningRate: 0.05, l1: 0.5 }), deep: adagrad({ learningRate: 0.05 }) },
  metrics: ['binaryAccuracy', 'auc', 'logLoss'],
  epochs: 10,
  seed: 7,
  ...(checkpoints && { checkpoint: { folder: checkpoints } }),
  callbacks: { onStep: ({ weight }) => (records += weight) },
});

if ((process.env.RANK ?? '0') === '0') {
  let damaged = 0;
  for await (const { columns, mask } of test.batches({ globalBatchSize: 512 }).map(prepare)) {
    for (const [row, value] of columns.Damage.values.entries()) damaged += value * mask[row];
  }
  const share = damaged / test.count;
  const { val_auc: auc, val_binaryAccuracy: accuracy, val_logLoss: loss } = history.at(-1).metrics;
  const prior = -(share * Math.log(share) + (1 - share) * Math.log(1 - share));
  const seconds = (performance.now() - started) / 1000;
  console.log(`AUC        ${auc.toFixed(3)}   (0.5 by chance)`);
  console.log(
    `accuracy   ${accuracy.toFixed(3)}   (${Math.max(share, 1 - share).toFixed(3)} for always saying the more frequent)`,
  );
  console.log(
    `log-loss   ${loss.toFixed(3)}   (${prior.toFixed(3)} for always saying the share of ${(100 * share).toFixed(1)} %)`,
  );
  console.log(
    `throughput ${Math.round(records / seconds).toLocaleString('en')} records/s, start and validation included`,
  );
}
await Promise.all([train.close(), test.close()]);

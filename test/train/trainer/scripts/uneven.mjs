// Batch normalisation over all ranks' rows, while the ranks have different numbers of batches; one rank alone has the batches of both, joined.
import { compileModel, fit, sgd } from '../../../../dist/train/index.js';

const SIZE = 8;
const column = (values) => ({ layout: 'fixed', shape: [], values: Float32Array.from(values) });
const batchOf = (...seeds) => {
  const rows = seeds.flatMap((seed) => Array.from({ length: SIZE }, (_, row) => [Math.sin(seed * 7 + row), row % 2]));
  const columns = { x: column(rows.map(([x]) => x)), label: column(rows.map(([, label]) => label)) };
  return { size: rows.length, mask: new Uint8Array(rows.length).fill(1), columns };
};
const BATCHES = [5, 3];
const own = (rank) => Array.from({ length: BATCHES[rank] }, (_, i) => i + 10 * rank);
const joined = own(0).map((seed, i) => [seed, ...own(1).slice(i, i + 1)]);
const layers = [{ type: 'batchNormalization' }, { type: 'dense', units: 1, activation: 'sigmoid' }];
const model = compileModel({
  towers: [{ inputs: ['x'], layers }],
  loss: 'binaryCrossentropy',
  labels: ['label'],
  batchNorm: 'sync',
});
const result = await fit({
  model,
  optimizer: sgd({ learningRate: 0.1 }),
  accumulate: Number(process.argv[2]),
  batches: ({ rank, worldSize }) =>
    (worldSize === 1 ? joined : own(rank).map((seed) => [seed])).map((seeds) => batchOf(...seeds)),
  epochs: 2,
  checkWeightsEvery: 1,
});
console.log(JSON.stringify({ step: result.step, weights: [...result.model.weights] }));

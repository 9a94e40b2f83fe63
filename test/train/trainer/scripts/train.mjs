// train.mjs FOLDER EPOCHS [kill=RANK@STEP] [stop@STEP]: trains on FOLDER/data with checkpoints in FOLDER/saved, and rank 0 says how it ended.
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { openDataset } from '../../../../dist/index.js';
import { adam, compileModel, everySteps, fit } from '../../../../dist/train/index.js';

const [folder, epochs, ...faults] = process.argv.slice(2);
const rank = Number(process.env.RANK ?? 0);
const layers = [
  { type: 'batchNormalization' },
  { type: 'dense', units: 8, activation: 'relu' },
  { type: 'dropout', rate: 0.3 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
];

/** What is to go wrong at a step, once in the job's life. */
function misfortune(step) {
  for (const fault of faults) {
    const [what, at] = fault.split('@');
    const done = `${folder}/${fault}`;
    if (Number(at) !== step || existsSync(done)) continue;
    if (what === 'stop' && rank === 0) {
      writeFileSync(done, '');
      process.kill(process.ppid, 'SIGTERM');
    }
    if (what === `kill=${rank}`) {
      writeFileSync(done, '');
      process.kill(process.pid, 'SIGKILL');
    }
    if (what === `throw=${rank}`) {
      writeFileSync(done, '');
      throw new Error('out of luck');
    }
  }
}

const dataset = await openDataset(`${folder}/data`, { scanCache: false });
const { step, ended, history, model } = await fit({
  model: compileModel({
    towers: [{ inputs: [{ column: 'x', width: 4 }], layers }],
    loss: 'binaryCrossentropy',
    labels: ['label'],
  }),
  dataset,
  read: { globalBatchSize: 64, shuffle: true },
  optimizer: adam({ learningRate: 0.01 }),
  epochs: Number(epochs),
  checkpoint: { folder: `${folder}/saved`, every: everySteps(5) },
  callbacks: { onStep: ({ step }) => misfortune(step) },
});
await dataset.close();
const weights = createHash('sha256').update(new Uint8Array(model.weights.slice().buffer)).digest('hex');
if (rank === 0)
  console.log(JSON.stringify({ step, ended, weights, losses: history.map(({ metrics }) => metrics.loss) }));

// node examples/epoch.mjs DATASET [WORKERS]: one shuffled epoch as the workers of a training read it, here one after the other in one
// process; the last one stops half-way, and twice as many go on from its position.
import { openDataset } from 'shardfeed';

const [uri, workers = '2'] = process.argv.slice(2);
const worldSize = Number(workers);
const ds = await openDataset(uri);
const options = { globalBatchSize: 512, seed: 7, shuffle: true };
const { steps } = ds.plan({ ...options, worldSize });
console.log(`${ds.count} records in ${ds.files.length} files; ${worldSize} workers take ${steps} steps each`);

const counted = (mask) => mask.reduce((sum, one) => sum + one, 0);
let position;
let records = 0;
for (let rank = 0; rank < worldSize; rank++) {
  for await (const batch of ds.batches({ ...options, rank, worldSize }).take(Math.ceil(steps / 2))) {
    records += counted(batch.mask);
    position = batch.position.at; // what `take` wrapped: the dataset's own position
  }
}
console.log(`stopped half-way, after ${records} records, at ${JSON.stringify(position)}`);
for (let rank = 0; rank < 2 * worldSize; rank++) {
  for await (const batch of ds.batches({ globalBatchSize: 512, rank, worldSize: 2 * worldSize, position })) {
    records += counted(batch.mask);
  }
}
if (records !== ds.count) throw new Error(`${records} records of ${ds.count}`);
console.log(`${2 * worldSize} workers went on: ${records} records in all, each once`);
await ds.close();

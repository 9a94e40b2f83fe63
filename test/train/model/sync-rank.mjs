// sync-rank.mjs RANK WORLD PORT SPEC: one rank of a training over global batches of 510 rows, from files built; prints weights and state.
import { compileModel, joinGroup, sgd } from '../../../dist/train/index.js';
import { Updater } from '../../../dist/train/update.js';

const [rank, worldSize, port] = process.argv.slice(2, 5).map(Number);
const spec = JSON.parse(process.argv[5]);
const ROWS = 510;

/** Numbers in [-1, 1) that follow from the row. */
const value = (row, column) => {
  const h = Math.imul((row * 31 + column) ^ 0x9e3779b9, 2654435761);
  return (Math.imul(h ^ (h >>> 15), 2246822519) | 0) / 2 ** 31;
};

const [from, to] = [rank, rank + 1].map((r) => Math.floor((r * ROWS) / worldSize));

/** The rank's rows of each global batch. */
function* batches() {
  const size = to - from;
  for (let step = 0; step < 20; step++) {
    const x = new Float32Array(size * 4);
    const label = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      const row = step * ROWS + from + i;
      for (let j = 0; j < 4; j++) x[i * 4 + j] = value(row, j) * (j + 1) + j;
      label[i] = Number(value(row, 0) + value(row, 1) > value(row, 9));
    }
    const mask = Uint8Array.from({ length: size }, (_, i) => Number((from + i) % 11 !== 5));
    const columns = {
      x: { layout: 'fixed', values: x, shape: [4] },
      label: { layout: 'fixed', values: label, shape: [] },
    };
    yield { size, columns, mask };
  }
}

const group = await joinGroup({ rank, worldSize, address: '127.0.0.1', port, jobId: 'sync', secret: 'of the tests' });
const model = compileModel(spec)(group);
const updater = new Updater(group, model, sgd({ learningRate: 0.1, momentum: 0.9 }));
let step = 0;
for (const batch of batches()) await updater.apply(model.step(batch, { step: step++, seed: 1, firstRow: from }));
await group.close();
console.log(JSON.stringify({ weights: [...model.weights], state: [...model.state] }));

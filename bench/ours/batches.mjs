// batches.mjs SHAPE URI ORDER THREADS [COLUMN,...]: shardfeed reads a dataset end to end through ds.batches, in the dataset's own order
// (`off`) or shuffled in windows (`windows`), batches of 1024, both CRCs checked. The files have no index: the first run makes
// one, which is kept as it is for every user.
import { join } from 'node:path';
import { openDataset, parseSchema } from '../../dist/index.js';
import { CACHE } from '../data/make.mjs';
import { startClock } from '../lib/clock.mjs';
import { modelSpecOf } from '../lib/tables.mjs';

const [shape, uri, order, threads, columns] = process.argv.slice(2);
const schema = parseSchema(modelSpecOf(shape));

const clock = startClock();
const dataset = await openDataset(uri, { schema, scanCache: join(CACHE, 'scans') });
const options = { globalBatchSize: 1024, shuffle: order === 'windows', threads: Number(threads) };
let rows = 0;
for await (const batch of dataset.batches({ ...options, ...(columns && { columns: columns.split(',') }) })) {
  rows += Math.min(batch.size, dataset.count - rows);
}
clock.report(
  rows,
  dataset.files.reduce((sum, { bytes }) => sum + bytes, 0),
);

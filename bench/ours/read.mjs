// read.mjs SHAPE FOLDER [COLUMN,...]: shardfeed reads part files into columnar batches of 1024, both CRCs checked.
import { parseSchema, readBatches } from '../../dist/index.js';
import { partsOf, sizeOf, startClock } from '../lib/clock.mjs';
import { modelSpecOf } from '../lib/tables.mjs';

const [shape, folder, columns] = process.argv.slice(2);
const schema = parseSchema(modelSpecOf(shape));

const clock = startClock();
let rows = 0;
for await (const batch of readBatches(folder, {
  schema,
  batchSize: 1024,
  ...(columns === undefined ? {} : { columns: columns.split(',') }),
})) {
  rows += batch.size;
}
clock.report(rows, sizeOf(partsOf(folder)));

// convert.mjs SHAPE CSV FOLDER [--infer] [--partition JSON]: shardfeed makes 4 part files of a CSV, by the table's model
// spec, or by inference with statistics. Threads: as many as there are cores to run on.
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { convert } from '../../dist/index.js';
import { partsOf, sizeOf, startClock } from '../lib/clock.mjs';
import { modelSpecOf } from '../lib/tables.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { infer: { type: 'boolean', default: false }, partition: { type: 'string', default: '{}' } },
});
const [shape, source, folder] = positionals;
rmSync(folder, { recursive: true, force: true });

const clock = startClock();
const result = await convert({
  input: source,
  output: folder,
  partitions: 4,
  threads: availableParallelism(),
  ...(values.infer ? { infer: true, statistics: true } : { spec: modelSpecOf(shape), statistics: false }),
  ...JSON.parse(values.partition),
});
clock.report(result.records, sizeOf(partsOf(folder)));

// convert.mjs SHAPE CSV FOLDER [--infer] [--options JSON]: shardfeed makes 4 part files of a CSV, by the table's model
// spec, or by inference with statistics. Threads are left to it: none on one core, two on two.
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { convert } from '../../dist/index.js';
import { partsOf, sizeOf, startClock } from '../lib/clock.mjs';
import { modelSpecOf } from '../lib/tables.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { infer: { type: 'boolean', default: false }, options: { type: 'string', default: '{}' } },
});
const [shape, source, folder] = positionals;
rmSync(folder, { recursive: true, force: true });

const clock = startClock();
const result = await convert({
  input: source,
  output: folder,
  partitions: 4,
  ...(values.infer ? { infer: true } : { spec: modelSpecOf(shape) }),
  ...JSON.parse(values.options),
});
clock.report(result.records, sizeOf(partsOf(folder)));

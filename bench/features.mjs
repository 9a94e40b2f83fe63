// Speed of the transforms of columns, a value, on one core, and of TensorFlow's ops on the same values with --tensorflow:
//   npm run build && node bench/features.mjs [--rows 4096] [--batches 100] [--runs 7] [--only TEXT] [--tensorflow]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileFeatures } from '../dist/dataset/index.js';
import { rowsToBatch } from '../dist/records/index.js';
import { PYTHON } from '../scripts/tf-venv.mjs';
import { markdownTable } from './lib/table.mjs';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '4096' },
    batches: { type: 'string', default: '100' },
    runs: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
    tensorflow: { type: 'boolean', default: false },
  },
});
const rows = Number(values.rows);
const times = Number(values.batches);

// The same values in peers/features.py.
const hashed = (i) => Math.imul(i, 2654435761) >>> 0;
const word = (i) => hashed(i).toString(16).padStart(8, '0');
const schema = {
  features: [
    { name: 'word', kind: 'bytes', shape: [] },
    { name: 'line', kind: 'bytes', shape: [] },
    { name: 'common', kind: 'bytes', shape: [] },
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'class', kind: 'int64', shape: [] },
    { name: 'x', kind: 'float', shape: [] },
  ],
};
const batch = rowsToBatch(
  Array.from({ length: rows }, (_, i) => ({
    word: word(i),
    line: word(i).repeat(6),
    common: word(i % 150),
    id: hashed(i) - 2 ** 31,
    class: i % 10,
    x: hashed(i) / 2 ** 32,
  })),
  schema,
);
// As readers hand them out by default.
for (const name of ['id', 'class']) {
  batch.columns[name] = { ...batch.columns[name], values: Float64Array.from(batch.columns[name].values, Number) };
}
const list = Array.from({ length: 100 }, (_, i) => word(i));
const boundaries = Array.from({ length: 63 }, (_, i) => (i + 1) / 64);
const cases = {
  'hashBucket, 8 bytes': { op: 'hashBucket', column: 'word', buckets: 100_000 },
  'hashBucket, 48 bytes': { op: 'hashBucket', column: 'line', buckets: 100_000 },
  'hashBucket, int64': { op: 'hashBucket', column: 'id', buckets: 100_000 },
  'vocabulary, 100 of 8 bytes': { op: 'vocabulary', column: 'common', values: list },
  'cross, two of 8 bytes': { op: 'cross', columns: ['word', 'common'], buckets: 100_000, as: 'word' },
  'bucketize, 63 boundaries': { op: 'bucketize', column: 'x', boundaries },
  normalize: { op: 'normalize', column: 'x', mean: 0.5, std: 0.25 },
  'oneHot, 10 classes': { op: 'oneHot', column: 'class', depth: 10 },
};

/** The best run's CPU time (the core may be shared) in ns a value. */
function measure(spec) {
  const transform = compileFeatures([spec], { schema });
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < Number(values.runs); run++) {
    const start = process.cpuUsage();
    for (let i = 0; i < times; i++) transform(batch);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, user + system);
  }
  return (1000 * best) / (times * rows);
}

const wanted = Object.entries(cases).filter(([name]) => name.includes(values.only));
const ours = wanted.map(([, spec]) => measure(spec));
let theirs = [];
if (values.tensorflow) {
  const script = fileURLToPath(new URL('peers/features.py', import.meta.url));
  const args = [script, values.rows, values.batches, values.runs];
  const { stdout } = spawnSync(PYTHON, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const measured = JSON.parse(stdout);
  theirs = wanted.map(([name]) => measured[name]);
}
const columns = ['', 'shardfeed ns/value', ...(values.tensorflow ? ['TensorFlow ns/value', 'times as fast'] : [])];
const lines = wanted.map(([name], i) => [
  name,
  ours[i].toFixed(1),
  ...(values.tensorflow ? [theirs[i].toFixed(1), (theirs[i] / ours[i]).toFixed(1)] : []),
]);
console.log(markdownTable(columns, lines));

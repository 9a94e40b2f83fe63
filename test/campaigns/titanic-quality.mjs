// titanic-quality.mjs [--workers 1,2,3,4] [--epochs 2]: wide & deep on the benchmarks' table of a million rows (whose best possible log-loss is 0.4807, accuracy
// 0.7731), three quarters of it for training, global batches of 512: whatever the number of workers, the last quarter is
// predicted as well as Keras does it. Needs Python for the table; run `npm run build` first.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeTable } from '../../bench/data/make.mjs';

/** What Keras reaches: accuracy, and half a thousandth above its log-loss. */
const [LOG_LOSS, ACCURACY, ACCURACY_WITHIN] = [0.4848, 0.7722, 0.002];

const { values } = parseArgs({
  options: { workers: { type: 'string', default: '1,2,3,4' }, epochs: { type: 'string', default: '2' } },
});
const root = fileURLToPath(new URL('../../', import.meta.url));
const { records } = makeTable('titanic', 'full');
let missed = 0;
for (const workers of values.workers.split(',')) {
  const script = ['examples/titanic.mjs', '--workers', workers];
  const data = [join(records, 'part-*[0-2]'), join(records, 'part-*3'), values.epochs, '512'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/cli/main.js', 'train', ...script, '--', ...data],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${workers} workers ended with ${status}: ${stderr}`);
  const metrics = JSON.parse(/\{.*\}/.exec(stdout)[0]);
  const { val_logLoss: loss, val_binaryAccuracy: accuracy } = metrics;
  const met = loss <= LOG_LOSS && Math.abs(accuracy - ACCURACY) <= ACCURACY_WITHIN;
  missed += Number(!met);
  console.log(
    `${workers} workers: log-loss ${loss.toFixed(5)}, accuracy ${accuracy.toFixed(5)}${met ? '' : '  MISSED'}`,
  );
}
if (missed > 0) process.exit(1);
console.log(`log-loss <= ${LOG_LOSS} and accuracy within ${ACCURACY_WITHIN} of ${ACCURACY} each time`);

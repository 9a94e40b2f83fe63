// npm run demo: real public data becomes a dataset, by the commands that a user would type. The table holds 10,000
// reports of birds that aircraft hit, from the npm package vega-datasets: text, numbers, dates and gaps.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const csv = 'node_modules/vega-datasets/data/birdstrikes.csv';
const dataset = '.cache/demo/birdstrikes';

/** Runs the command line tool as a user would, its output on ours. */
function shardfeed(...args) {
  console.log(`\n$ shardfeed ${args.map((arg) => (/^[\w./:=-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`);
  const { status } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`shardfeed ${args[0]} ended with ${status}`);
    process.exit(1);
  }
}

rmSync(`${root}${dataset}`, { recursive: true, force: true });
shardfeed('schema', csv);
shardfeed('convert', csv, '--to', dataset, '--partitions', '4');
shardfeed('verify', dataset);
shardfeed('count', dataset);
shardfeed('stats', dataset);
shardfeed('head', dataset, '-n', '3');
console.log(
  `\nThe dataset is in ${dataset}: plain TFRecord files of tf.train.Example that TensorFlow, Spark and Hadoop read.`,
);

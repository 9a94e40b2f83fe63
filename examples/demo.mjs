// npm run demo [-- --hdfs]: real public data becomes a dataset, and two workers train a model on it, by the commands that a user would
// type. The table holds 10,000 reports of birds that aircraft hit, from the npm package vega-datasets: text, numbers, dates and
// gaps. With --hdfs the dataset goes to a real HDFS on this machine, which `npm run hdfs` starts if it does not run.
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../', import.meta.url));
const csv = 'node_modules/vega-datasets/data/birdstrikes.csv';
const { hdfs } = parseArgs({ options: { hdfs: { type: 'boolean', default: false } } }).values;
const folder = hdfs ? `/user/${userInfo().username}` : '.cache/demo';
const dataset = `${hdfs ? 'hdfs://' : ''}${folder}/birdstrikes`;

const show = (words) =>
  console.log(`\n$ ${words.map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`);

/** Runs a Node program to its end, its output on ours. */
function run(words, program, args, options = {}) {
  show(words);
  const { status, stdout } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    stdio: 'inherit',
    encoding: 'utf8',
    ...options,
  });
  if (status === 0) return stdout;
  console.error(`${words.join(' ')} ended with ${status}`);
  process.exit(1);
}
const shardfeed = (...args) => run(['shardfeed', ...args], 'dist/cli/main.js', args);
const cluster = (args, options) => run(['npm', 'run', 'hdfs', '--', ...args], 'scripts/hdfs/main.mjs', args, options);

if (hdfs) {
  const told = cluster(['start'], { stdio: ['ignore', 'pipe', 'inherit'] });
  console.log(told);
  process.env.HADOOP_CONF_DIR = /HADOOP_CONF_DIR='(.*)'/.exec(told)[1];
}
shardfeed('schema', csv);
shardfeed('convert', csv, '--to', dataset, '--partitions', '4', '--overwrite');
shardfeed('verify', dataset);
shardfeed('count', dataset);
shardfeed('stats', dataset);
shardfeed('head', dataset, '-n', '3');
shardfeed('plan', dataset, '--workers', '2', '--batch-size', '512', '--shuffle', 'windows', '--shuffle-quality');
run(['node', 'examples/epoch.mjs', dataset], 'examples/epoch.mjs', [dataset]);
const split = ['--split', 'train=0.8,test=0.2', '--seed', '7', '--overwrite'];
shardfeed('convert', csv, '--to', `${dataset}-split`, '--partitions', '2', ...split);
shardfeed('train', 'examples/train-birdstrikes.mjs', '--workers', '2', '--', `${dataset}-split`);
if (hdfs) {
  cluster(['tool', 'dfs', '-ls', `${folder}/birdstrikes`]);
  console.log('\nThe cluster runs on: `npm run hdfs -- status` tells where, `npm run hdfs -- stop --delete` ends it.');
}
console.log(
  `\nThe dataset is in ${dataset}: plain TFRecord files of tf.train.Example that TensorFlow, Spark and Hadoop read.`,
);

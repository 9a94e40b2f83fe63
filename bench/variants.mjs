// What is measured: one command a variant. The slow peers convert the head of the table, at their steady rate.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PYTHON } from '../scripts/tf-venv.mjs';
import { CACHE } from './data/make.mjs';

const script = (path) => fileURLToPath(new URL(path, import.meta.url));
const node = (path, ...args) => [process.execPath, script(path), ...args];
const python = (path, ...args) => [PYTHON, script(path), ...args];

export function convertVariants({ shape, csv, head, rows, headRows }) {
  const out = join(CACHE, 'out');
  return [
    { name: 'shardfeed', rows, command: node('ours/convert.mjs', shape, csv, out) },
    { name: 'shardfeed infer', rows, command: node('ours/convert.mjs', shape, csv, out, '--infer') },
    { name: 'pandas + Example', rows: headRows, command: python('peers/convert.py', 'pandas', shape, head, out) },
    {
      name: 'decode_csv + Example',
      rows: headRows,
      command: python('peers/convert.py', 'decode_csv', shape, head, out),
    },
    { name: 'csv-parse + protobufjs', rows: headRows, command: node('peers/js-convert.mjs', shape, head, out) },
    { name: 'csv-parse alone', rows, maxRepeats: 2, command: node('peers/js-convert.mjs', shape, csv) },
  ];
}

/** What a dataset on HDFS costs more than one on local disk. */
export function hdfsReadVariants({ shape, rows }, uri) {
  const batches = (order, threads) => node('ours/batches.mjs', shape, uri, order, threads);
  return [
    { name: 'shardfeed batches from HDFS', rows, command: batches('off', '0') },
    { name: 'shardfeed batches shuffled from HDFS', rows, command: batches('windows', '0') },
    { name: 'shardfeed batches from HDFS 2 threads', rows, command: batches('off', '2'), cores: [2] },
  ];
}

const THREE_COLUMNS = { titanic: 'Age,Fare,Survived', criteo: 'I1,C1,label', dense: 'f0,f1,label' };

export function readVariants({ shape, records, rows, headRows }) {
  const three = THREE_COLUMNS[shape];
  return [
    { name: 'shardfeed', rows, command: node('ours/read.mjs', shape, records) },
    { name: 'shardfeed 3 columns', rows, command: node('ours/read.mjs', shape, records, three) },
    { name: 'shardfeed batches', rows, command: node('ours/batches.mjs', shape, records, 'off', '0') },
    { name: 'shardfeed batches shuffled', rows, command: node('ours/batches.mjs', shape, records, 'windows', '0') },
    { name: 'shardfeed batches 3 columns', rows, command: node('ours/batches.mjs', shape, records, 'off', '0', three) },
    { name: 'shardfeed batches 2 threads', rows, command: node('ours/batches.mjs', shape, records, 'off', '2') },
    {
      name: 'shardfeed batches shuffled 2 threads',
      rows,
      command: node('ours/batches.mjs', shape, records, 'windows', '2'),
    },
    { name: 'tf.data vec_best', rows, command: python('peers/read.py', 'vec_best', shape, records) },
    { name: 'tf.data vec_best 3 columns', rows, command: python('peers/read.py', 'vec_best', shape, records, three) },
    { name: 'tf.data shuffle(10000)', rows, command: python('peers/read.py', 'shuffle', shape, records) },
    {
      name: 'protobufjs',
      rows: 2 * headRows,
      command: node('peers/protobufjs-read.mjs', records, String(2 * headRows)),
    },
  ];
}

/** Rows a worker and step. */
const TRAIN_BATCH = 512;
const TRAIN_EPOCHS = 2;

/**
 * Wide & deep on titanic: all part files but the last, whole global batches.
 * @param python of a virtual environment with tensorflow and tf_keras, whose WideDeepModel users train
 */
export function trainVariants({ records, rows }, python = PYTHON) {
  const rowsOf = (workers) => {
    const global = TRAIN_BATCH * workers;
    return Math.floor((rows * 0.75) / global) * global * TRAIN_EPOCHS;
  };
  const arguments_ = (workers) => [records, String(workers), String(TRAIN_BATCH), String(TRAIN_EPOCHS)];
  const ours = (workers, threads) => node('ours/train.mjs', ...arguments_(workers), String(threads));
  const peer = (workers) => [python, script('peers/train.py'), ...arguments_(workers)];
  return [
    { name: 'shardfeed', rows: rowsOf(1), command: ours(1, 0) },
    { name: 'shardfeed, 1 thread reads', rows: rowsOf(1), command: ours(1, 1), cores: [2] },
    { name: 'shardfeed 2 workers', rows: rowsOf(2), command: ours(2, 0), cores: [2] },
    { name: 'Keras', rows: rowsOf(1), command: peer(1), cores: [2] },
    { name: 'MultiWorkerMirrored 2 workers', rows: rowsOf(2), command: peer(2), cores: [2], maxRepeats: 2 },
  ];
}

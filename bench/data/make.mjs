// Makes the benchmark's tables and part files under .cache/bench, once: CSVs by gen.py, part files by TensorFlow.
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTensorFlow } from '../../scripts/tf-venv.mjs';
import { ROWS } from '../lib/tables.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const CACHE = here('../../.cache/bench');

/**
 * Makes what one table needs: { csv, head: the first rows, records: a folder of 4 part files, rows, headRows }.
 * @param wanted false: without part files
 */
export function makeTable(shape, size, { records: wanted = true } = {}) {
  const python = ensureTensorFlow();
  const folder = join(CACHE, size);
  const [rows, headRows] = ROWS[size][shape];
  const csv = join(folder, `${shape}.csv`);
  const head = join(folder, `${shape}-head.csv`);
  const records = join(folder, `${shape}-records`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(csv)) {
    const temp = join(folder, `tmp-${shape}`);
    run(python, [here('gen.py'), temp, `--${shape}`, String(rows)]);
    renameSync(join(temp, `${shape}.csv`), csv);
    rmSync(temp, { recursive: true });
  }
  if (!existsSync(head)) writeHead(csv, head, headRows);
  if (wanted && !existsSync(records)) {
    run(python, [here('../peers/convert.py'), 'decode_csv', shape, csv, `${records}.tmp`]);
    renameSync(`${records}.tmp`, records);
  }
  return { shape, csv, head, records, rows, headRows };
}

/** A CSV of at least `bytes`: the table's rows over and over under one header. */
export function makeLargeCsv(table, bytes) {
  const target = join(CACHE, `large-${table.shape}-${bytes}.csv`);
  const size = statSync(table.csv).size;
  const body = size - headerLength(table.csv);
  const copies = Math.ceil(bytes / body);
  if (!existsSync(target)) {
    copyRange(table.csv, 0, `${target}.tmp`);
    for (let i = 1; i < copies; i++) copyRange(table.csv, size - body, `${target}.tmp`);
    renameSync(`${target}.tmp`, target);
  }
  return { csv: target, rows: table.rows * copies };
}

function run(command, args) {
  process.stderr.write(`making ${args.at(-1)}\n`);
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Copies a file from an offset to its end, appending. */
function copyRange(from, start, to) {
  const source = openSync(from, 'r');
  const target = openSync(to, 'a');
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let at = start, n = 0; ; at += n) {
    n = readSync(source, buffer, 0, buffer.length, at);
    if (n === 0) break;
    writeSync(target, buffer, 0, n);
  }
  closeSync(source);
  closeSync(target);
}

/** The length of the first line with its line feed; the tables' headers are short. */
function headerLength(path) {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(1 << 16);
  readSync(file, buffer, 0, buffer.length, 0);
  closeSync(file);
  return buffer.indexOf(10) + 1;
}

/** Copies the header and the first rows; no cell of the tables holds a line break. */
function writeHead(from, to, rows) {
  const source = openSync(from, 'r');
  const target = openSync(`${to}.tmp`, 'w');
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let lines = 0; lines <= rows; ) {
    const n = readSync(source, buffer, 0, buffer.length, null);
    if (n === 0) break;
    let end = -1;
    while (lines <= rows) {
      const next = buffer.subarray(0, n).indexOf(10, end + 1);
      if (next < 0) break;
      end = next;
      lines++;
    }
    writeSync(target, buffer, 0, lines <= rows ? n : end + 1);
  }
  closeSync(source);
  closeSync(target);
  renameSync(`${to}.tmp`, to);
}

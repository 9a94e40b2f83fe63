// js-convert.mjs SHAPE CSV FOLDER: csv-parse reads, protobufjs encodes, 4 part files: a conversion put together from npm.
// js-convert.mjs SHAPE CSV: csv-parse alone, rows of strings.
import { createReadStream, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { parse } from 'csv-parse';
import { partsOf, sizeOf, startClock } from '../lib/clock.mjs';
import { columnsOf } from '../lib/tables.mjs';
import { Example } from './example-proto.mjs';

const [shape, source, folder] = process.argv.slice(2);
const mask = (crc) => ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0;
const MAKE = {
  int: (cell) => ({ int64_list: { value: [cell === '' ? 0 : Number(cell)] } }),
  float: (cell) => ({ float_list: { value: [cell === '' ? 0 : Number(cell)] } }),
  str: (cell) => ({ bytes_list: { value: [Buffer.from(cell)] } }),
};
const makers = columnsOf(shape).map(([name, type]) => [name, MAKE[type]]);

function frame(row) {
  const feature = {};
  makers.forEach(([name, make], i) => {
    feature[name] = make(row[i]);
  });
  const payload = Example.encode({ features: { feature } }).finish();
  const framed = Buffer.alloc(payload.length + 16);
  framed.writeUInt32LE(payload.length, 0);
  framed.writeUInt32LE(mask(crc32c(framed.subarray(0, 8))), 8);
  framed.set(payload, 12);
  framed.writeUInt32LE(mask(crc32c(payload)), 12 + payload.length);
  return framed;
}

class Part {
  #fd;
  #pending = [];
  #size = 0;
  constructor(path) {
    this.#fd = openSync(path, 'w');
  }
  add(bytes) {
    this.#pending.push(bytes);
    this.#size += bytes.length;
    if (this.#size > 1 << 20) this.flush();
  }
  flush() {
    writeSync(this.#fd, Buffer.concat(this.#pending));
    this.#pending = [];
    this.#size = 0;
  }
}

const clock = startClock();
let rows = 0;
let parts = [];
if (folder !== undefined) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  parts = [0, 1, 2, 3].map((i) => new Part(join(folder, `part-r-0000${i}`)));
}
await new Promise((resolve, reject) => {
  createReadStream(source, { highWaterMark: 1 << 20 })
    .pipe(parse({ from_line: 2 }))
    .on('data', (row) => {
      if (folder !== undefined) parts[rows & 3].add(frame(row));
      rows++;
    })
    .on('end', resolve)
    .on('error', reject);
});
for (const part of parts) part.flush();
clock.report(rows, folder === undefined ? statSync(source).size : sizeOf(partsOf(folder)));

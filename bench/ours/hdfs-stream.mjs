// hdfs-stream.mjs read URI | get URI | put URI FILE [--parallel N]: shardfeed carries the bytes of one file, and does nothing else:
// into memory of the caller's, as readers of records do, or as chunks that are the caller's.
import { open } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { hdfsDriver } from '../../dist/hdfs/index.js';
import { openFiles } from '../../dist/index.js';
import { startClock } from '../lib/clock.mjs';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { parallel: { type: 'string' } } });
const [way, uri, file] = positionals;
// Ranges of one size, so that their number at a time is all that differs.
const SIZE = { rangeBytes: 8 << 20, mostRangeBytes: 8 << 20 };
const reads = values.parallel === undefined ? {} : { ...SIZE, parallel: Number(values.parallel) };
const drivers = { hdfs: hdfsDriver({ reads }), webhdfs: hdfsDriver({ scheme: 'webhdfs', reads }) };
const { fs, path } = openFiles({ drivers }).resolve(uri);

const clock = startClock();
let bytes = 0;
if (way === 'put') {
  const writer = await fs.create(path, { overwrite: true });
  const input = await open(file);
  const buffers = [new Uint8Array(1 << 20), new Uint8Array(1 << 20)];
  // The next piece is read while this one is written, as no memory is made for either.
  let ahead = input.read(buffers[0]);
  for (let turn = 1; ; turn ^= 1) {
    const { bytesRead, buffer } = await ahead;
    if (bytesRead === 0) break;
    ahead = input.read(buffers[turn]);
    await writer.write(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
  await input.close();
  await writer.close();
} else if (way === 'read') {
  const reader = await fs.openReader(path);
  const into = new Uint8Array(1 << 20);
  for (let count = await reader.read(into, 0); count > 0; count = await reader.read(into, bytes)) bytes += count;
  await reader.close();
} else {
  for await (const chunk of fs.read(path)) bytes += chunk.length;
}
clock.report(bytes, bytes);

// hdfs-job.mjs convert CSV URI | read URI: the same work on any file system, for a table of one's own schema.
import { convert, openFiles, readBatches } from '../../dist/index.js';
import { startClock } from '../lib/clock.mjs';

const [what, from, to] = process.argv.slice(2);

/** Bytes of a dataset's part files. */
async function partBytes(uri) {
  const { fs, path } = openFiles().resolve(uri);
  let bytes = 0;
  for await (const file of fs.list(path)) if (/\/part[^/]*$/.test(file.path)) bytes += file.size;
  return bytes;
}

const clock = startClock();
if (what === 'convert') {
  const { records } = await convert({ input: from, output: to, partitions: 4, overwrite: true });
  clock.report(records, await partBytes(to));
} else {
  let rows = 0;
  for await (const batch of readBatches(from, { batchSize: 1024 })) rows += batch.size;
  clock.report(rows, await partBytes(from));
}

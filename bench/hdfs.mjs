// HDFS beside the local disk and beside curl: one DataNode on this machine, blocks of 128 MiB, its Java fully optimised.
import { createWriteStream, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool } from '../scripts/hdfs/cluster.mjs';
import { writeCsv } from '../test/campaigns/kill-convert.mjs';
import { hdfsPlace, withCluster } from '../test/campaigns/places.mjs';
import { startFaultProxy } from '../test/hdfs/support/fault-proxy.mjs';
import { randomOf } from '../test/random.mjs';
import { MEMORY_BAR_BYTES } from './bars.mjs';
import { CACHE, makeLargeCsv } from './data/make.mjs';
import { measure } from './lib/measure.mjs';

const CLUSTER = { dn: 1, block: 128 << 20, jvm: ['-XX:TieredStopAtLevel=4', '-Xmx512m'] };
const ROUND_TRIP_MS = 50;
const SIZES = {
  full: { stream: 1e9, distant: 768e6, rows: 2_000_000, large: 2e9 },
  quick: { stream: 100e6, distant: 64e6, rows: 100_000, large: 50e6 },
};

const node = (path, ...args) => [process.execPath, fileURLToPath(new URL(path, import.meta.url)), ...args];
const stream = (...args) => node('ours/hdfs-stream.mjs', ...args);
const job = (...args) => node('ours/hdfs-job.mjs', ...args);
const curl = (...args) => node('peers/curl.mjs', ...args);

/** Lends a place on a cluster, and a way to copy local folders there. */
export function withHdfs(use) {
  return withCluster(CLUSTER, async (cluster) => {
    const place = await hdfsPlace(cluster, '/bench');
    const copy = async (folder, name) => {
      const { status, stderr } = await runTool(cluster.dir, 'dfs', ['-put', '-t', '4', folder, `/bench/${name}`]);
      if (status !== 0) throw new Error(`put of ${folder}: ${stderr}`);
      return place.uri(name);
    };
    await use(place, copy);
  });
}

/** A file of bytes that do not repeat, once. */
async function makeBytes(size) {
  const path = join(CACHE, `bytes-${size}`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const random = randomOf(1);
  const file = createWriteStream(path);
  const words = new Uint32Array(1 << 18);
  for (let at = 0; at < size; at += words.byteLength) {
    for (let i = 0; i < words.length; i++) words[i] = random() * 2 ** 32;
    const chunk = new Uint8Array(words.buffer, 0, Math.min(words.byteLength, size - at));
    await new Promise((resolve, reject) => file.write(chunk, (error) => (error ? reject(error) : resolve())));
  }
  await new Promise((resolve) => file.end(resolve));
  return path;
}

async function makeTable(rows) {
  const csv = join(CACHE, `table-${rows}.csv`);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(csv)) await writeCsv(csv, rows, randomOf(1));
  return { shape: 'table', csv, rows };
}

/** Every case as { shape, cores, name, rows, bytes, seconds, cpuSeconds, peakBytes, ... }. */
export async function measureHdfs({ size, repeats, only }) {
  const { stream: streamBytes, distant, rows, large } = SIZES[size] ?? SIZES.full;
  const [bytes, near, table] = [await makeBytes(streamBytes), await makeBytes(distant), await makeTable(rows)];
  return withCluster(CLUSTER, async (cluster) => {
    const place = await hdfsPlace(cluster, '/bench');
    const web = `http://${cluster.nn[0].http}/webhdfs/v1/bench`;
    const out = join(CACHE, 'out-hdfs');
    const results = [];
    const run = async (shape, name, command, { expected, ...options } = {}) => {
      if (!`${shape} ${name}`.includes(only)) return;
      const result = await measure(command, { cores: '0,1', repeats, rows: expected, env: place.env, ...options });
      results.push({ shape, cores: 2, name, ...result });
      const speed = `${Math.round(result.bytes / result.seconds / 1e6)} MB/s`;
      process.stderr.write(`${shape} ${name}: ${speed}, ${result.cpuSeconds.toFixed(2)} s of CPU\n`);
    };

    const theirs = `${web}/curl?op=CREATE&overwrite=true&user.name=hdfs`;
    await run('put', 'curl', curl('put', theirs, bytes), { expected: streamBytes });
    await run('put', 'shardfeed', stream('put', place.uri('stream'), bytes), { expected: streamBytes });
    await run('get', 'curl', curl('get', `${web}/stream?op=OPEN&user.name=hdfs`), { expected: streamBytes });
    await run('get', 'shardfeed', stream('read', place.uri('stream')), { expected: streamBytes });
    await run('get', 'shardfeed, as chunks', stream('get', place.uri('stream')), { expected: streamBytes });

    await run('convert', 'disk to disk', job('convert', table.csv, out), { expected: rows });
    await run('convert', 'disk to HDFS', job('convert', table.csv, place.uri('table')), { expected: rows });
    await run('put', 'shardfeed, the table', stream('put', place.uri('table.csv'), table.csv));
    await run('convert', 'HDFS to HDFS', job('convert', place.uri('table.csv'), place.uri('again')), {
      expected: rows,
    });
    await run('read', 'disk', job('read', out), { expected: rows });
    await run('read', 'HDFS', job('read', place.uri('table')), { expected: rows });

    await run('put', `shardfeed, ${ROUND_TRIP_MS} ms away`, stream('put', place.uri('far'), near));
    const proxy = await startFaultProxy({ names: [cluster.nn[0].http], latencyMs: ROUND_TRIP_MS / 2 });
    const far = `webhdfs://${proxy.addressOf(cluster.nn[0].http)}/bench/far`;
    for (const parallel of [1, 4]) {
      const command = stream('get', far, '--parallel', String(parallel));
      await run(`${ROUND_TRIP_MS} ms away`, `${parallel} at a time`, command, { expected: distant });
    }
    await proxy[Symbol.asyncDispose]();

    if (only === '' || only === 'memory') {
      const { csv, rows: many } = makeLargeCsv(table, large);
      const once = { repeats: 1, expected: many };
      await run('memory', 'convert to HDFS', job('convert', csv, place.uri('large')), once);
      await run('memory', 'put', stream('put', place.uri('large.csv'), csv), { repeats: 1 });
      rmSync(csv);
      await run('memory', 'get', stream('get', place.uri('large.csv')), { repeats: 1 });
      await run('memory', 'convert HDFS to HDFS', job('convert', place.uri('large.csv'), place.uri('large')), once);
      await run('memory', 'read', job('read', place.uri('large')), once);
    }
    rmSync(out, { recursive: true, force: true });
    return results.map((r) => (r.shape === 'memory' ? { ...r, reached: r.peakBytes <= MEMORY_BAR_BYTES } : r));
  });
}

// npm run campaign:hdfs-large -- [--bytes 2000000000] [--seed N]
// A large table goes to a real cluster and comes back: the parts on HDFS have the checksums of those on local disk, by
// Hadoop's own client and by ours, and no process takes more than 300 MB.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { sampleTree } from '../../bench/lib/process-tree.mjs';
import { randomOf } from '../random.mjs';
import { writeCsv } from './kill-convert.mjs';
import { hdfsPlace, startTool, withCluster } from './places.mjs';

const PARTS = 4;
const MOST_BYTES = 300e6;
const ROW_BYTES = 47;

async function sha256(stream) {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

/** Runs the tool; its peak memory, and the checksum of its output where `hashed`. @throws where it fails or takes too much */
async function run(place, args, { hashed = false } = {}) {
  const { child, ended } = startTool(place, args, { collect: !hashed });
  const sampler = sampleTree(child.pid);
  const digest = hashed ? sha256(child.stdout) : undefined;
  const { code, stderr, seconds } = await ended;
  const peak = sampler.stop().peakBytes;
  if (code !== 0) throw new Error(`shardfeed ${args[0]} ended with ${code}: ${stderr}`);
  if (peak > MOST_BYTES) throw new Error(`shardfeed ${args[0]} took ${Math.round(peak / 1e6)} MB`);
  return { digest: await digest, peakMB: Math.round(peak / 1e6), seconds: Math.round(seconds) };
}

/** The checksum of what Hadoop's own client reads. */
async function sha256OfHadoop(cluster, path) {
  const main = new URL('../../scripts/hdfs/main.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, '--dir', cluster.dir, 'tool', 'dfs', '-cat', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return sha256(child.stdout);
}

export async function largeCampaign({ cluster, bytes, seed, log = () => {} }) {
  const local = mkdtempSync(join(tmpdir(), 'shardfeed-large-'));
  try {
    const csv = join(local, 'table.csv');
    const place = await hdfsPlace(cluster, '/large');
    const here = { env: {} };
    await writeCsv(csv, Math.ceil(bytes / ROW_BYTES), randomOf(seed));
    const convert = (output) => ['convert', csv, '--to', output, '--partitions', String(PARTS)];
    log(`to HDFS: ${JSON.stringify(await run(place, convert(place.uri('dataset'))))}`);
    log(`to disk: ${JSON.stringify(await run(here, convert(join(local, 'dataset'))))}`);
    log(`verify: ${JSON.stringify(await run(place, ['verify', place.uri('dataset')]))}`);
    for (const name of readdirSync(join(local, 'dataset')).filter((one) => one.startsWith('part'))) {
      const expected = await sha256(createReadStream(join(local, 'dataset', name)));
      const ours = await run(place, ['cat', '--raw', place.uri(`dataset/${name}`)], { hashed: true });
      const theirs = await sha256OfHadoop(cluster, `/large/dataset/${name}`);
      if (ours.digest !== expected || theirs !== expected) {
        throw new Error(`${name}: ${expected} on disk, ${ours.digest} by shardfeed, ${theirs} by dfs -cat`);
      }
      log(`${name}: equal; ${JSON.stringify(ours)}`);
    }
  } finally {
    rmSync(local, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: { bytes: { type: 'string', default: '2000000000' }, seed: { type: 'string', default: '1' } },
  });
  const options = { bytes: Number(values.bytes), seed: Number(values.seed), log: console.log };
  await withCluster({ block: 64 << 20 }, (cluster) => largeCampaign({ cluster, ...options }));
}

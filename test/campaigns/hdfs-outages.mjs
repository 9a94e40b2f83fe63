// npm run campaign:hdfs-outages
// Outages that do not end, with the timeouts and the patience that users have: every operation fails with an error of ours
// within 120 s, and says what was tried. Takes some ten minutes, most of them waiting.
import { hdfsFileSystem, simpleCredentials } from '../../dist/hdfs/index.js';
import { clientConf, killDaemon, runTool, startDaemon } from '../../scripts/hdfs/cluster.mjs';
import { startFaultProxy } from '../hdfs/support/fault-proxy.mjs';
import { withCluster } from './places.mjs';

const MOST_SECONDS = 120;
const BYTES = new Uint8Array(3 << 20).fill(7);

async function write(fs, path) {
  const writer = await fs.create(path, { overwrite: true });
  try {
    await writer.write(BYTES);
    await writer.close();
  } finally {
    await writer.abort();
  }
}

async function read(fs, path) {
  for await (const _ of fs.read(path));
}

/** Runs what must fail; logs how, and how long it took. */
async function mustFail(what, operation) {
  const begin = performance.now();
  const error = await operation().then(
    () => undefined,
    (reason) => reason,
  );
  const seconds = (performance.now() - begin) / 1000;
  if (!error?.code?.startsWith('SHARDFEED_')) throw new Error(`${what}: ended with ${error}`, { cause: error });
  console.log(`${what}: ${error.code} after ${seconds.toFixed(1)} s`);
  if (seconds > MOST_SECONDS) throw new Error(`${what} took ${seconds.toFixed(1)} s`);
}

await withCluster({}, async (cluster) => {
  const credentials = simpleCredentials('hdfs');
  const fs = await hdfsFileSystem({ configuration: clientConf(cluster.dir), credentials });
  await write(fs, '/tmp/file');

  const proxy = await startFaultProxy({ names: [cluster.nn[0].http] });
  const authority = proxy.addressOf(cluster.nn[0].http);
  const far = await hdfsFileSystem({ scheme: 'webhdfs', authority, configuration: new Map(), credentials });
  await far.stat('/tmp/file');
  const silent = (role, op) => {
    proxy.decide = (exchange) =>
      exchange.role === role && exchange.op === op ? { kind: 'delay', ms: 3_600_000 } : undefined;
  };
  silent('data', 'OPEN');
  await mustFail('DataNodes fall silent, read', () => read(far, '/tmp/file'));
  silent('data', 'CREATE');
  await mustFail('DataNodes fall silent, write', () => write(far, '/tmp/other'));
  silent('name', 'GETFILESTATUS');
  await mustFail('the NameNode falls silent, stat', () => far.stat('/tmp/file'));
  await proxy[Symbol.asyncDispose]();

  await runTool(cluster.dir, 'dfsadmin', ['-safemode', 'enter']);
  await mustFail('safe mode, write', () => write(fs, '/tmp/other'));
  await runTool(cluster.dir, 'dfsadmin', ['-safemode', 'leave']);

  for (const { id } of cluster.dn) await killDaemon(cluster.dir, id);
  await Promise.all([
    mustFail('all DataNodes dead, read', () => read(fs, '/tmp/file')),
    mustFail('all DataNodes dead, write', () => write(fs, '/tmp/other')),
  ]);
  await killDaemon(cluster.dir, 'nn1');
  await mustFail('the NameNode dead, stat', () => fs.stat('/tmp/file'));
  for (const id of ['nn1', ...cluster.dn.map((daemon) => daemon.id)]) await startDaemon(cluster.dir, id);
  await read(fs, '/tmp/file');
  console.log('all back, and the file can be read');
});

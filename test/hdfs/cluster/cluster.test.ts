import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { clusterStatus, loadCluster, startCluster, stopCluster } from '../../../scripts/hdfs/cluster.mjs';
import { testCluster } from '../support/cluster.js';

const MAIN = fileURLToPath(new URL('../../../scripts/hdfs/main.mjs', import.meta.url));

it('gives the same running cluster to whoever asks', async () => {
  const first = await testCluster('plain');
  const again = await testCluster('plain');
  expect(again.nn).toEqual(first.nn);
  expect(clusterStatus(first.dir).every(({ pid }) => pid !== undefined)).toBe(true);
  await expect(startCluster(first.dir, { dn: 1 })).rejects.toThrow(/other options/);
});

it('kills and starts one daemon, and leaves foreign processes alone', async () => {
  const cluster = await testCluster('plain');
  await cluster.kill('dn2');
  const pids = () => clusterStatus(cluster.dir).map(({ id, pid }) => [id, pid !== undefined]);
  expect(Object.fromEntries(pids())).toEqual({ nn1: true, dn1: true, dn2: false, httpfs1: true });
  await cluster.spawn('dn2');
  expect(Object.fromEntries(pids())).toEqual({ nn1: true, dn1: true, dn2: true, httpfs1: true });
  await expect(cluster.kill('dn3')).rejects.toThrow(/has no dn3, but nn1, dn1, dn2, httpfs1/);
});

it('keeps its data over stop and start, and says on the command line where it is', async () => {
  const { dir } = await testCluster('kept', { dn: 1 });
  const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args, '--dir', dir], { encoding: 'utf8' });
  const { tool } = await testCluster('kept', { dn: 1 });
  await tool('dfs', ['-mkdir', '/kept']);
  expect(run('stop').status).toBe(0);
  expect(run('status')).toMatchObject({ status: 1, stdout: expect.stringMatching(/nn1 +does not run/) });
  const started = run('start', '--dn', '1');
  expect(started.stdout).toContain(`export HADOOP_CONF_DIR='${dir}/conf/client'`);
  expect(started.stdout).toContain(`HDFS     ${loadCluster(dir)?.defaultFS}/`);
  expect(run('start').stderr).toContain('it runs already');
  expect(await tool('dfs', ['-ls', '/'])).toContain('/kept');
  await stopCluster(dir, { clear: true });
  expect(loadCluster(dir)).toBeUndefined();
});

it('leaves a folder alone that holds something else', async () => {
  const { dir } = await testCluster('plain');
  const folder = join(dir, 'conf');
  await expect(startCluster(folder)).rejects.toThrow(`${folder} holds something else than a cluster`);
  expect(existsSync(join(folder, 'client', 'core-site.xml'))).toBe(true);
});

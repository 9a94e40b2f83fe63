import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { clientConf, killDaemon, runTool, startDaemon } from '../../../scripts/hdfs/cluster.mjs';
import { kerberosEnvironment, logIn } from '../../../scripts/hdfs/kdc.mjs';
import { type SecureCluster, startSecureCluster, stopSecureCluster } from '../../../scripts/hdfs/secure-cluster.mjs';
import type { FileStat, FileSystem } from '../../../src/files/index.js';
import { type HdfsOptions, hdfsFileSystem } from '../../../src/hdfs/index.js';
import { bytesOf, readFile, sha256, writeFile } from '../support/file-systems.js';

let cluster: SecureCluster;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shardfeed-secure-ha-'));
  cluster = await startSecureCluster(join(inject('hdfsRoot'), 'secure-ha'), { ha: true, httpfs: true, dn: 1 });
  Object.assign(process.env, kerberosEnvironment(cluster.realm));
});
afterAll(async () => {
  await stopSecureCluster(cluster.dir);
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  const cache = join(folder, 'ticket');
  logIn(cluster.realm, { keytab: cluster.keytabs.alice!, principal: 'alice', cache });
  process.env.KRB5CCNAME = `FILE:${cache}`;
});

const DATA = bytesOf(3_000_000);
const open = (authentication: HdfsOptions['authentication'] = {}): Promise<FileSystem> =>
  hdfsFileSystem({ configuration: clientConf(cluster.dir), tls: { ca: cluster.ca }, authentication });
const openGateway = (authentication: HdfsOptions['authentication']): Promise<FileSystem> =>
  hdfsFileSystem({
    scheme: 'httpfs',
    authority: cluster.httpfs[0]!.http,
    configuration: new Map(),
    authentication,
  });

/** A name node that has just started takes a while until it may become active. */
async function haadmin(...args: string[]): Promise<void> {
  await expect.poll(async () => (await runTool(cluster.dir, 'haadmin', args)).status, { timeout: 60_000 }).toBe(0);
}
/** Writes a file, reads it, and tells whose it is. */
async function roundTrip(fs: FileSystem, path: string): Promise<unknown> {
  await writeFile(fs, path, DATA);
  expect(sha256(await readFile(fs, path))).toBe(sha256(DATA));
  return ((await fs.stat(path)) as FileStat & { owner: string }).owner;
}

describe('two name nodes that believe nobody', () => {
  it.each([true, false])(
    'a token (%s), or a session with each, goes on after a failover and a crash',
    async (fetchToken) => {
      const fs = await open({ fetchToken });
      expect(await roundTrip(fs, `/before ${fetchToken}`)).toBe('alice');
      await haadmin('-failover', 'nn1', 'nn2');
      expect(await roundTrip(fs, `/after ${fetchToken}`)).toBe('alice');
      // One who comes now meets the standby first.
      expect(await roundTrip(await open({ fetchToken }), `/new ${fetchToken}`)).toBe('alice');
      await killDaemon(cluster.dir, 'nn2');
      await haadmin('-transitionToActive', '--forceactive', 'nn1');
      expect(await roundTrip(fs, `/crashed ${fetchToken}`)).toBe('alice');
      await startDaemon(cluster.dir, 'nn2');
    },
  );
});

describe('a gateway that believes nobody', () => {
  it.each([true, false])('takes a ticket, and gives a token for it (%s)', async (fetchToken) => {
    const fs = await openGateway({ method: 'kerberos', fetchToken });
    expect(await roundTrip(fs, `/by gateway ${fetchToken}`)).toBe('alice');
  });

  it('takes neither a name nor nothing', async () => {
    const named = await openGateway({ user: 'alice' });
    await expect(named.stat('/')).rejects.toMatchObject({ code: 'SHARDFEED_HDFS_AUTH' });
    process.env.KRB5CCNAME = `FILE:${folder}/none`;
    const unknown = await openGateway({ method: 'kerberos' });
    await expect(unknown.stat('/')).rejects.toMatchObject({
      code: 'SHARDFEED_HDFS_AUTH',
      message: expect.stringMatching(/HTTP@127\.0\.0\.1.*kinit/),
    });
  });
});

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, inject, it } from 'vitest';
import { makeKeyStore } from '../../../scripts/hdfs/key-store.mjs';
import type { FileSystem } from '../../../src/files/index.js';
import { hdfsFileSystem, simpleCredentials } from '../../../src/hdfs/index.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { bytesOf, readFile, sha256, writeFile } from '../support/file-systems.js';

// A cluster whose name node and data node talk over https only to those who show a certificate that they trust.
let cluster: TestCluster;
let ca: string;
let folder: string;
const PASSPHRASE = 'open, please';
beforeAll(async () => {
  folder = join(inject('hdfsRoot'), 'certificates');
  mkdirSync(folder);
  for (const name of ['alice', 'mallory']) makeCertificate(name);
  const store = makeKeyStore(folder, 'ip:127.0.0.1', join(folder, 'alice.pem'));
  ca = store.ca;
  const conf = {
    'dfs.http.policy': 'HTTP_AND_HTTPS', // http for those who look whether the daemons are up
    'dfs.client.https.need-auth': 'true',
    'hadoop.ssl.require.client.cert': 'true',
  };
  cluster = await testCluster('tls', { dn: 1, conf, files: store.files });
});

function makeCertificate(name: string): void {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', `/CN=${name}`];
  const { status, stderr } = spawnSync(
    'openssl',
    [...kind, '-days', '2', '-out', cert, '-keyout', key, '-passout', `pass:${PASSPHRASE}`],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toMatchObject({ status: 0 });
}

const open = (name?: string): Promise<FileSystem> =>
  hdfsFileSystem({
    scheme: 'swebhdfs',
    authority: cluster.nn[0]!.https,
    configuration: new Map(),
    credentials: simpleCredentials('hdfs'),
    tls: {
      ca,
      ...(name === undefined
        ? {}
        : { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`), passphrase: PASSPHRASE }),
    },
    retry: { patience: 2_000 },
  });

it('opens name node and data node to who has a certificate', async () => {
  const fs = await open('alice');
  const data = bytesOf(3_000_000);
  await writeFile(fs, '/by certificate', data);
  expect(sha256(await readFile(fs, '/by certificate'))).toBe(sha256(data));
  expect((await fs.checksum!('/by certificate')).algorithm).toContain('CRC32');
});

it.each([undefined, 'mallory'])('opens nothing to %s', async (name) => {
  await expect((await open(name)).stat('/')).rejects.toMatchObject({
    code: 'SHARDFEED_HDFS_UNREACHABLE',
    message: expect.stringMatching(/it refuses our certificate \([a-z ]+\): name one that it trusts by tls\.cert/),
  });
});

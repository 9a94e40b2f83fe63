import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tlsAgentOptions } from '../../../src/hdfs/credentials/tls.js';
import { hdfsFileSystem } from '../../../src/hdfs/index.js';
import { fakeServer } from '../fake-server.js';

const folder = mkdtempSync(join(tmpdir(), 'shardfeed-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, bytes: string | Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};
const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

describe('TLS', () => {
  it('trusts the authorities of Node, of SSL_CERT_FILE, or those named, and always verifies', () => {
    const [one, two] = [file('one.pem', `one\n${PEM}`), file('two.pem', PEM)];
    expect(tlsAgentOptions({}, {})).toEqual({ rejectUnauthorized: true });
    expect(tlsAgentOptions({}, { SSL_CERT_FILE: one })).toEqual({ rejectUnauthorized: true, ca: `one\n${PEM}` });
    const all = tlsAgentOptions({ ca: two, cert: one, key: two, passphrase: 'x' }, { SSL_CERT_FILE: one });
    expect(all).toEqual({ rejectUnauthorized: true, ca: PEM, cert: `one\n${PEM}`, key: PEM, passphrase: 'x' });
  });

  it.each([
    [
      'a Java key store',
      { ca: file('trust.jks', Uint8Array.of(0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2)) },
      'keytool -list -rfc',
    ],
    ['no PEM', { ca: file('trust.p12', Uint8Array.of(0x30, 0x82, 1, 2)) }, 'is no PEM file'],
    ['no file', { ca: '/nowhere/ca.pem' }, '/nowhere/ca.pem, which cannot be read'],
    ['half of a pair', { cert: '/nowhere/me.pem' }, 'go together'],
  ])('says what is wrong with %s', (_, options, message) => {
    const open = (): unknown => tlsAgentOptions(options, {});
    expect(open).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_USAGE', message: expect.stringContaining(message) }),
    );
  });

  it('is told at once where a port speaks plain http', async () => {
    const server = await fakeServer(() => ({ json: {} }));
    const fs = await hdfsFileSystem({ scheme: 'swebhdfs', authority: server.address, configuration: new Map() });
    await expect(fs.stat('/')).rejects.toMatchObject({
      code: 'SHARDFEED_HDFS_UNREACHABLE',
      message: expect.stringMatching(/does not speak TLS: is this the port of https\?$/),
    });
  });
});

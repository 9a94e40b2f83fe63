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
// A key pair of no use, made for these tests.
const PEM = `-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIUNUoU5z8QhkIiO/mMh4SEnHu4dtYwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMjMxNTIyMzdaGA8yMTI2MTAzMDE1MjIzN1ow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABO5/sa36lnT3
rjWrBvhv6B/R+e4MM7LKGx1wSbfDOj1xrEPTKr97LzgT7ZKqu8+IDrAe34zUm8YO
S9kVZNYD0q2jUzBRMB0GA1UdDgQWBBRQ0+akBDC3S9VnOG0rOcv/Lhwa/zAfBgNV
HSMEGDAWgBRQ0+akBDC3S9VnOG0rOcv/Lhwa/zAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIGlOgA5WETXxGVVkztc6RDWm/mnnhrzzDLI3ABIEwtB7
AiEAmi2IcgqUcFVBK0tYKDB95ps25kAt1A62PIhw2X/y9z0=
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAhR2QrrNC2zJwICCAAw
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQI2Iuf3i4O/2sEgZBnHchJsuZHjjKt
R/tUqYcM2DcIym8YO8PAPpudtZD1X7ChGp3MzPUyvKf7SMdFPLoOBIfsTjPygjnF
x7fJ8BKfCdj8gdRm5SKK6XAbd9pi/XQrtk7uDvOiQHhjFT/kFiFucSyHI4PJzL1V
luJgi2l8oO0NGryC0VQO5EMzkUzJzAY9EGK93N3gANGlLPRl+ZQ=
-----END ENCRYPTED PRIVATE KEY-----
`;

describe('TLS', () => {
  it('trusts the authorities of Node, of SSL_CERT_FILE, or those named, and always verifies', () => {
    const [one, two, mine] = [file('one.pem', `one\n${PEM}`), file('two.pem', PEM), file('key.pem', KEY)];
    expect(tlsAgentOptions({}, {})).toEqual({ rejectUnauthorized: true });
    expect(tlsAgentOptions({}, { SSL_CERT_FILE: one })).toEqual({ rejectUnauthorized: true, ca: `one\n${PEM}` });
    const all = tlsAgentOptions({ ca: two, cert: one, key: mine, passphrase: 'x' }, { SSL_CERT_FILE: one });
    expect(all).toEqual({ rejectUnauthorized: true, ca: PEM, cert: `one\n${PEM}`, key: KEY, passphrase: 'x' });
  });

  it.each([
    [
      'a Java key store',
      { ca: file('trust.jks', Uint8Array.of(0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2)) },
      'keytool -list -rfc',
    ],
    ['no PEM', { ca: file('trust.p12', Uint8Array.of(0x30, 0x82, 1, 2)) }, 'is no PEM file'],
    ['no file', { ca: '/nowhere/ca.pem' }, '/nowhere/ca.pem, which cannot be read'],
    [
      'a passphrase that opens nothing',
      { cert: file('cert.pem', PEM), key: file('mine.pem', KEY), passphrase: 'y' },
      'bad decrypt',
    ],
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

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type CredentialsOptions, openCredentials } from '../../../src/hdfs/credentials/open-credentials.js';
import { FakeCluster, storage, target, tokenText } from './fake-cluster.js';

const nameNode = target('https://nn1.example.com:9871', 'ns1');
const folder = mkdtempSync(join(tmpdir(), 'shardfeed-auth-'));
afterAll(() => rmSync(folder, { recursive: true }));
const HA = { kind: 'HDFS_DELEGATION_TOKEN', service: 'ha-hdfs:ns1' };
const tokenFile = join(folder, 'tokens');
writeFileSync(tokenFile, storage(HA));
const negotiate = async (): Promise<string> => 'ticket';

async function shown(options: CredentialsOptions, configured?: string, env: Record<string, string> = {}) {
  const credentials = openCredentials(options, configured, env);
  const { context } = new FakeCluster();
  return {
    ...(await credentials.query?.(nameNode, context)),
    ...(await credentials.headers?.(nameNode, context)),
  };
}

describe('who we are', () => {
  it.each<[string, CredentialsOptions, string | undefined, Record<string, string>, object]>([
    ['a name', { user: 'eve' }, 'simple', {}, { 'user.name': 'eve' }],
    ['for another', { user: 'eve', proxyUser: 'bob' }, 'simple', {}, { 'user.name': 'eve', doas: 'bob' }],
    [
      'HADOOP_PROXY_USER',
      { user: 'eve' },
      undefined,
      { HADOOP_PROXY_USER: 'bob' },
      { 'user.name': 'eve', doas: 'bob' },
    ],
    ['a token', { token: tokenText() }, 'kerberos', {}, { delegation: tokenText() }],
    ['a token file', { tokenFile }, 'simple', {}, { delegation: tokenText(HA) }],
    ['a ticket', { negotiate, fetchToken: false }, 'kerberos', {}, { authorization: 'Negotiate ticket' }],
    [
      'a token of the environment',
      {},
      'kerberos',
      { HADOOP_TOKEN_FILE_LOCATION: tokenFile },
      { delegation: tokenText(HA) },
    ],
    ['the same without configuration', {}, undefined, { HADOOP_TOKEN: tokenText(HA) }, { delegation: tokenText(HA) }],
    [
      'a name, where the cluster ignores tokens',
      { user: 'eve' },
      'simple',
      { HADOOP_TOKEN_FILE_LOCATION: tokenFile },
      { 'user.name': 'eve' },
    ],
    [
      'a ticket, where the tokens are for others',
      { negotiate, fetchToken: false },
      'kerberos',
      { HADOOP_TOKEN: tokenText({ service: 'ha-hdfs:other' }) },
      { authorization: 'Negotiate ticket' },
    ],
  ])('is %s', async (_, options, configured, env, expected) => {
    expect(await shown(options, configured, env)).toEqual(expected);
  });

  it('is a token fetched by ticket, with Kerberos', async () => {
    expect(Object.keys(await shown({ negotiate }, 'kerberos'))).toEqual(['delegation']);
  });

  it.each<[CredentialsOptions, string | undefined, string]>([
    [{ token: tokenText(), tokenFile }, undefined, 'not both'],
    [{ token: tokenText(), proxyUser: 'bob' }, undefined, 'proxyUser'],
    [{}, 'custom', 'hadoop.security.authentication is custom'],
  ])('cannot be told from %#', (options, configured, message) => {
    expect(() => openCredentials(options, configured, {})).toThrow(message);
  });

  it('with Kerberos needs its package, and says how to install it', async () => {
    const credentials = openCredentials({ fetchToken: false }, 'kerberos', {});
    const error = await credentials.headers!(nameNode, new FakeCluster().context).catch((error: unknown) => error);
    expect(error).toMatchObject({
      code: 'SHARDFEED_HDFS_AUTH',
      message: expect.stringMatching(/npm install kerberos|kinit/),
    });
  });
});

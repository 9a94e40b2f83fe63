import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DelegationToken } from '../../../src/hdfs/credentials/delegation-token.js';
import { givenTokens } from '../../../src/hdfs/credentials/given-token.js';
import { openCredentials } from '../../../src/hdfs/credentials/open-credentials.js';
import { simpleCredentials } from '../../../src/hdfs/credentials.js';
import { FakeCluster, storage, type TokenSpec, target, tokenText } from './fake-cluster.js';

const { context } = new FakeCluster();
const folder = mkdtempSync(join(tmpdir(), 'shardfeed-tokens-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tokensOf = (...specs: TokenSpec[]) => ({
  name: 'the test',
  load: async () => specs.map((spec) => DelegationToken.parse(tokenText(spec))),
});

const HA: TokenSpec = { kind: 'HDFS_DELEGATION_TOKEN', service: 'ha-hdfs:ns1' };
const RPC: TokenSpec = { kind: 'HDFS_DELEGATION_TOKEN', service: '127.0.0.1:8020' };
const WEB: TokenSpec = { kind: 'WEBHDFS delegation', service: '127.0.0.1:9870' };
const SECURE: TokenSpec = { kind: 'SWEBHDFS delegation', service: '127.0.0.1:9871' };
const RM: TokenSpec = { kind: 'YARN_AM_RM_TOKEN', service: '127.0.0.1:8020' };

describe('of several tokens', () => {
  const held = tokensOf(RM, HA, RPC, WEB, SECURE);
  it.each([
    ['a name service', target('http://127.0.0.2:9870', 'ns1'), HA],
    ['an RPC address', target('http://127.0.0.1:19870', '127.0.0.1:8020'), RPC],
    ['an RPC address, by its name', target('http://localhost:19870', 'localhost:8020'), RPC],
    ['a web address before an RPC address', target('http://127.0.0.1:9870', '127.0.0.1:8020'), WEB],
    ['a web address over TLS', target('https://127.0.0.1:9871', '127.0.0.1:9871'), SECURE],
    ['a gateway', target('http://127.0.0.1:9870', '127.0.0.1:9870', true), WEB],
  ])('the one for %s is shown', async (_, nameNode, spec) => {
    const credentials = givenTokens(held);
    expect(await credentials.query!(nameNode, context)).toEqual({ delegation: tokenText(spec) });
    expect(await credentials.headers!(nameNode, context)).toEqual({});
    expect(credentials.secrets!()).toEqual([tokenText(spec)]);
  });

  it.each([
    ['another service', target('http://127.0.0.1:1', 'ns2')],
    ['another port', target('http://127.0.0.1:1', '127.0.0.1:8021')],
    ['a gateway in place of the name node', target('http://127.0.0.1:1', '127.0.0.1:8020', true)],
  ])('none goes to %s: an error, or without a token where there is another way', async (_, other) => {
    await expect(givenTokens(held).query!(other, context)).rejects.toMatchObject({
      code: 'SHARDFEED_HDFS_AUTH',
      message: expect.stringContaining('HDFS_DELEGATION_TOKEN for ha-hdfs:ns1'),
    });
    const credentials = givenTokens(held, simpleCredentials('bob'));
    expect(await credentials.query!(other, context)).toEqual({ 'user.name': 'bob' });
  });
});

describe('a token that is refused', () => {
  const nameNode = target('http://127.0.0.1:9870', '127.0.0.1:8020');
  const refusal = new Error('InvalidToken: it is expired');

  it('is looked for again where it came from, as somebody may have renewed the file', async () => {
    const tokenFile = join(folder, 'renewed');
    writeFileSync(tokenFile, storage(WEB));
    const credentials = openCredentials({ tokenFile });
    expect(await credentials.query!(nameNode, context)).toEqual({ delegation: tokenText(WEB) });
    const fresh = { ...WEB, password: Buffer.from('fresh') };
    writeFileSync(tokenFile, storage(fresh));
    expect(await credentials.query!(nameNode, context)).toEqual({ delegation: tokenText(WEB) });
    const refused = (): Promise<boolean> => credentials.rejected!(nameNode, refusal, context);
    expect(await Promise.all([refused(), refused()])).toEqual([true, true]);
    expect(await refused()).toBe(true); // a request from before
    expect(await credentials.query!(nameNode, context)).toEqual({ delegation: tokenText(fresh) });
  });

  it('else is an error that tells its dates and how to come by another', async () => {
    const credentials = openCredentials({ token: tokenText(WEB) });
    await credentials.query!(nameNode, context);
    const error = await credentials.rejected!(nameNode, refusal, context).catch((error: Error) => error);
    expect(error).toMatchObject({ code: 'SHARDFEED_HDFS_AUTH', cause: refusal });
    const { message } = error as Error;
    expect(message).toContain('InvalidToken: it is expired');
    expect(message).toContain('issued to alice at 2023-11-14T22:13:20.000Z');
    expect(message).toContain('renewed beyond 2023-11-21T22:13:20.000Z');
    expect(message).toContain('hdfs fetchdt --webservice http://127.0.0.1:9870');
    expect(message).not.toContain(tokenText(WEB));
  });
});

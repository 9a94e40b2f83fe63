import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FileSystem } from '../../../src/files/index.js';
import { DelegationToken } from '../../../src/hdfs/credentials/delegation-token.js';
import { openCredentials } from '../../../src/hdfs/credentials/index.js';
import { type CredentialsOptions, hdfsFileSystem } from '../../../src/hdfs/index.js';
import { testCluster } from '../support/cluster.js';

// A name node ignores tokens where authentication is simple. The gateway does not, so tokens are proved there.
let gateway: string;
let nameNode: string;
beforeAll(async () => {
  const { httpfs, nn } = await testCluster('plain');
  gateway = httpfs[0]!.http;
  nameNode = nn[0]!.http;
});

const open = (authentication: CredentialsOptions, scheme: 'httpfs' | 'webhdfs' = 'httpfs'): Promise<FileSystem> =>
  hdfsFileSystem({
    scheme,
    authority: scheme === 'httpfs' ? gateway : nameNode,
    configuration: new Map(),
    authentication,
  });

/** Asks for a token, or about one, as curl does. */
async function ask(op: string, query = '', method = 'PUT'): Promise<unknown> {
  const answer = await fetch(`http://${gateway}/webhdfs/v1/?op=${op}&user.name=alice${query}`, { method });
  expect(answer.status).toBe(200);
  const text = await answer.text();
  return text === '' ? undefined : JSON.parse(text);
}
const newToken = async (): Promise<string> =>
  ((await ask('GETDELEGATIONTOKEN', '', 'GET')) as { Token: { urlString: string } }).Token.urlString;

async function write(fs: FileSystem, path: string, text: string): Promise<void> {
  const writer = await fs.create(path, { overwrite: true });
  await writer.write(Buffer.from(text));
  await writer.close();
}

async function read(fs: FileSystem, path: string): Promise<string> {
  let text = '';
  for await (const chunk of fs.read(path)) text += Buffer.from(chunk).toString();
  return text;
}

/** Owner of a file, by the name node. */
async function ownerOf(path: string): Promise<string> {
  const answer = await fetch(`http://${nameNode}/webhdfs/v1${path}?op=GETFILESTATUS&user.name=hdfs`);
  return ((await answer.json()) as { FileStatus: { owner: string } }).FileStatus.owner;
}

describe('a delegation token', () => {
  it('alone says who we are: given', async () => {
    const fs = await open({ token: await newToken() });
    await write(fs, '/tmp/given', 'abc');
    expect([await read(fs, '/tmp/given'), await ownerOf('/tmp/given')]).toEqual(['abc', 'alice']);
  });

  it('alone says who we are: fetched; one that is cancelled meanwhile is fetched anew', async () => {
    const credentials = openCredentials({ user: 'alice', fetchToken: true });
    const fs = await hdfsFileSystem({ scheme: 'httpfs', authority: gateway, configuration: new Map(), credentials });
    await write(fs, '/tmp/fetched', 'abc');
    expect(await ownerOf('/tmp/fetched')).toBe('alice');
    const [first] = credentials.secrets!();
    await ask('CANCELDELEGATIONTOKEN', `&token=${first}`);
    expect(await read(fs, '/tmp/fetched')).toBe('abc');
    const [second] = credentials.secrets!();
    await ask('CANCELDELEGATIONTOKEN', `&token=${second}`);
    expect(second).not.toBe(first);
    await write(fs, '/tmp/fetched', 'def');
    expect(await read(fs, '/tmp/fetched')).toBe('def');
  });

  it.each(['garbage', 'cancelled'])('that is %s opens nothing, and is not shown', async (how) => {
    const good = await newToken();
    const token = how === 'garbage' ? forge(good) : good;
    if (how === 'cancelled') await ask('CANCELDELEGATIONTOKEN', `&token=${good}`);
    const fs = await open({ token });
    await write(await open({ user: 'alice' }), '/tmp/guarded', 'abc');
    for (const use of [() => fs.stat('/tmp/guarded'), () => read(fs, '/tmp/guarded'), () => write(fs, '/tmp/x', 'y')]) {
      const error = await use().catch((error: unknown) => error);
      expect(error).toMatchObject({
        code: 'SHARDFEED_HDFS_AUTH',
        message: expect.stringMatching(/the option token: .*It was issued to alice at 20.*hdfs fetchdt/),
      });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(token);
    }
  });
});

/** The same token with another password. */
function forge(text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  const password = 1 + bytes[0]! + 1;
  bytes[password] = bytes[password]! ^ 255;
  const forged = bytes.toString('base64url');
  expect(DelegationToken.parse(forged).identifier).toEqual(DelegationToken.parse(text).identifier);
  return forged;
}

describe('a proxy user', () => {
  it.each(['webhdfs', 'httpfs'] as const)('owns what is written for him: %s', async (scheme) => {
    const fs = await open({ user: 'hdfs', proxyUser: 'bob' }, scheme);
    await write(fs, `/tmp/for-bob-${scheme}`, 'abc');
    expect(await ownerOf(`/tmp/for-bob-${scheme}`)).toBe('bob');
  });

  it('is refused to who may not have one', async () => {
    const fs = await open({ user: 'alice', proxyUser: 'bob' }, 'webhdfs');
    await expect(fs.stat('/tmp')).rejects.toMatchObject({
      code: 'SHARDFEED_PERMISSION',
      message: expect.stringContaining('alice is not allowed to impersonate bob'),
    });
  });
});

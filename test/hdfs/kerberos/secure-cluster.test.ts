import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { clientConf, runTool } from '../../../scripts/hdfs/cluster.mjs';
import { kerberosEnvironment, logIn } from '../../../scripts/hdfs/kdc.mjs';
import { type SecureCluster, startSecureCluster, stopSecureCluster } from '../../../scripts/hdfs/secure-cluster.mjs';
import { findKerberosPackage } from '../../../scripts/kerberos.mjs';
import type { FileStat, FileSystem } from '../../../src/files/index.js';
import { openCredentials } from '../../../src/hdfs/credentials/index.js';
import { type Credentials, type HdfsOptions, hdfsFileSystem } from '../../../src/hdfs/index.js';
import { MAIN } from '../../cli/run.js';

// Tokens live 12 s from their latest renewal and 24 s in all, so that tests see them through their whole life.
const LIFE = {
  'dfs.namenode.delegation.token.renew-interval': '12000',
  'dfs.namenode.delegation.token.max-lifetime': '24000',
};

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

let cluster: SecureCluster;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shardfeed-secure-'));
  cluster = await startSecureCluster(join(inject('hdfsRoot'), 'secure'), { conf: LIFE });
  Object.assign(process.env, kerberosEnvironment(cluster.realm));
});
afterAll(async () => {
  await stopSecureCluster(cluster.dir);
  rmSync(folder, { recursive: true });
});

let caches = 0;
/** Logs in with a keytab; from then on that ticket is ours. */
function logInAs(principal: string, keytab: string = principal, life?: string): void {
  const cache = join(folder, `ticket-${caches++}`);
  logIn(cluster.realm, { keytab: cluster.keytabs[keytab]!, principal, cache, ...(life === undefined ? {} : { life }) });
  process.env.KRB5CCNAME = `FILE:${cache}`;
}
beforeEach(() => logInAs('alice'));

const open = (authentication: HdfsOptions['authentication'] = {}, more: HdfsOptions = {}): Promise<FileSystem> =>
  hdfsFileSystem({ configuration: clientConf(cluster.dir), tls: { ca: cluster.ca }, authentication, ...more });

const DATA = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 8));

async function write(fs: FileSystem, path: string, data: Uint8Array = DATA): Promise<void> {
  const writer = await fs.create(path, { overwrite: true });
  await writer.write(data);
  await writer.close();
}
async function read(fs: FileSystem, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of fs.read(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const ownerOf = async (fs: FileSystem, path: string): Promise<unknown> =>
  ((await fs.stat(path)) as FileStat & { owner: string }).owner;

/** Every way to use the file system, and the error of each. */
async function errors(fs: FileSystem): Promise<unknown[]> {
  const uses = [() => fs.stat('/'), () => read(fs, '/guarded'), () => write(fs, '/guarded')];
  return Promise.all(uses.map((use) => use().catch((error: unknown) => error)));
}

/** One request by hand. */
function ask(url: string, method = 'GET'): Promise<{ status: number; location: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, ca: readFileSync(cluster.ca), agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode!, location: answer.headers.location, text }));
    });
    sent.on('error', reject).end();
  });
}
const web = (path: string, op: string, query = ''): string =>
  `https://${cluster.nn[0]!.https}/webhdfs/v1${path}?op=${op}${query}`;

/** A token of alice, by her ticket. */
async function newToken(): Promise<string> {
  const credentials = openCredentials({}, 'kerberos', {});
  const fs = await open({}, { credentials });
  await fs.stat('/');
  return credentials.secrets!()[0]!;
}

/** The same token with another password. */
function forge(token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  const password = 1 + bytes[0]! + 1;
  bytes[password] = bytes[password]! ^ 255;
  return bytes.toString('base64url');
}

describe('a ticket', () => {
  it('opens a session, whose cookie serves for all that follows', async () => {
    const fs = await open({ fetchToken: false });
    await write(fs, '/by ticket');
    expect((await read(fs, '/by ticket')).equals(DATA)).toBe(true);
    expect(await ownerOf(fs, '/by ticket')).toBe('alice');
    // From here on only the cookie can open anything.
    process.env.KRB5CCNAME = `FILE:${folder}/none`;
    expect(await ownerOf(fs, '/by ticket')).toBe('alice');
  });

  it('fetches a token, which is renewed, and replaced at the end of its days, while the job goes on', async () => {
    const credentials = openCredentials({}, 'kerberos', {});
    const ops: string[] = [];
    const query: Credentials['query'] = (target, context) =>
      credentials.query!(target, {
        ...context,
        ask: (request) => {
          ops.push(request.op);
          return context.ask(request);
        },
      });
    const fs = await open({}, { credentials: { ...credentials, query } });
    await write(fs, '/by token');
    for (const end = Date.now() + 26_000; Date.now() < end; await sleep(1000)) {
      expect((await read(fs, '/by token')).equals(DATA)).toBe(true);
    }
    expect(await ownerOf(fs, '/by token')).toBe('alice');
    const count = (op: string): number => ops.filter((one) => one === op).length;
    expect(count('GETDELEGATIONTOKEN')).toBeGreaterThanOrEqual(2);
    // Each is renewed at once, which tells how long it lives, and then again.
    expect(count('RENEWDELEGATIONTOKEN')).toBeGreaterThan(count('GETDELEGATIONTOKEN'));
  });

  it('that has expired, or was never there, is an error that says what to do', async () => {
    logInAs('alice', 'alice', '2s');
    await sleep(3000);
    const [expired, missing] = [process.env.KRB5CCNAME, `FILE:${folder}/none`];
    for (const [name, why] of [
      [expired, /expired/i],
      [missing, /No credentials|No Kerberos/],
    ] as const) {
      process.env.KRB5CCNAME = name;
      for (const error of await errors(await open())) {
        expect(error).toMatchObject({
          code: 'SHARDFEED_HDFS_AUTH',
          message: expect.stringMatching(/HTTP@127.0.0.1.*kinit/),
        });
        expect((error as Error).message).toMatch(why);
      }
    }
  });

  it('of one who may act for others writes in their name', async () => {
    logInAs('hdfs/localhost', 'service');
    for (const fetchToken of [true, false]) {
      const fs = await open({ proxyUser: 'alice', fetchToken });
      await write(fs, `/for alice ${fetchToken}`);
      expect(await ownerOf(fs, `/for alice ${fetchToken}`)).toBe('alice');
    }
    logInAs('alice');
    const [error] = await errors(await open({ proxyUser: 'bob' }));
    expect(error).toMatchObject({ code: 'SHARDFEED_PERMISSION', message: expect.stringContaining('impersonate bob') });
  });
});

describe('installed', () => {
  /** Runs the command line from a node_modules of its own. */
  function shardfeed(modules: string, ...args: string[]) {
    const env = { ...process.env, SSL_CERT_FILE: cluster.ca, HADOOP_CONF_DIR: clientConf(cluster.dir) };
    const main = join(modules, 'shardfeed', relative(ROOT, MAIN));
    return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env });
  }

  it('beside the package kerberos it takes the ticket, and without it says what to install', async () => {
    const modules = join(folder, 'node_modules');
    mkdirSync(join(modules, 'shardfeed'), { recursive: true });
    for (const name of ['dist', 'package.json']) {
      cpSync(join(ROOT, name), join(modules, 'shardfeed', name), { recursive: true });
    }
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    await write(await open(), '/for the installed');
    const [without, missing] = [shardfeed(modules, 'ls', 'hdfs:///'), /npm install kerberos/];
    expect(without).toMatchObject({ status: 1, stderr: expect.stringMatching(missing) });
    symlinkSync(dirname(dirname(findKerberosPackage()!)), join(modules, 'kerberos'));
    expect(shardfeed(modules, 'ls', 'hdfs:///')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/alice.*for the installed/),
    });
  });
});

describe('without a ticket', () => {
  it('a token in a file that Hadoop wrote is enough', async () => {
    const file = join(folder, 'tokens');
    expect(await runTool(cluster.dir, 'fetchdt', [file])).toMatchObject({ status: 0 });
    process.env.KRB5CCNAME = `FILE:${folder}/none`;
    const credentials = openCredentials({}, 'kerberos', { HADOOP_TOKEN_FILE_LOCATION: file });
    const fs = await open({}, { credentials });
    await write(fs, '/by file');
    expect((await read(fs, '/by file')).equals(DATA)).toBe(true);
    expect(await ownerOf(fs, '/by file')).toBe('alice');
  });

  it('a token in the environment is enough for the command line', async () => {
    const table = join(folder, 'table.csv');
    writeFileSync(table, `name,value\n${'a,1\nb,2\n'.repeat(5000)}`);
    const shardfeed = async (...args: string[]): Promise<string> => {
      logInAs('alice');
      const token = { HADOOP_TOKEN: await newToken(), KRB5CCNAME: `FILE:${folder}/none` };
      const env = { ...process.env, ...token, SSL_CERT_FILE: cluster.ca, HADOOP_CONF_DIR: clientConf(cluster.dir) };
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env });
      expect({ status, stderr }).toMatchObject({ status: 0 });
      return stdout;
    };
    const dataset = `${cluster.defaultFS}/dataset`;
    await shardfeed('convert', table, '--to', dataset, '--threads', '2', '--partitions', '2');
    expect(await shardfeed('count', dataset)).toContain('10000');
    expect(await shardfeed('verify', dataset)).toContain('ok: 10,000 records');
    expect(await ownerOf(await open(), '/dataset/_SUCCESS')).toBe('alice');
  });

  it('nothing opens anything, neither at the name node nor at a data node', async () => {
    const token = await newToken();
    await write(await open({ token }), '/guarded');
    const { location } = await ask(web('/guarded', 'OPEN', `&delegation=${token}`));
    const at = (delegation: string): string => location!.replace(/delegation=[^&]*/, delegation);
    expect(await ask(at(`delegation=${token}`))).toMatchObject({ status: 200 });
    // Of a token that it knows a data node would not look at the password again for as long as its connection stands.
    const refused = await ask(at(`delegation=${forge(await newToken())}`));
    expect(refused).toMatchObject({ status: 403, text: expect.stringMatching(/InvalidToken|SaslException/) });
    expect((await ask(at('user.name=alice'))).status).toBeGreaterThanOrEqual(400);
    for (const url of [web('/', 'GETFILESTATUS'), web('/', 'GETFILESTATUS', '&user.name=alice')]) {
      expect((await ask(url)).status).toBe(401);
    }
  });

  it.each(['forged', 'cancelled', 'expired'])('a token that is %s is refused by all, and not shown', async (how) => {
    const good = await newToken();
    await write(await open({ token: good }), '/guarded');
    const token = how === 'forged' ? forge(good) : good;
    if (how === 'cancelled') {
      expect(
        (await ask(web('/', 'CANCELDELEGATIONTOKEN', `&token=${good}&delegation=${await newToken()}`), 'PUT')).status,
      ).toBe(200);
    }
    if (how === 'expired') await sleep(13_000);
    for (const error of await errors(await open({ token }))) {
      expect(error).toMatchObject({
        code: 'SHARDFEED_HDFS_AUTH',
        message: expect.stringMatching(
          /the option token: .*InvalidToken.* It was issued to alice.* at 20.*hdfs fetchdt/,
        ),
      });
      if (how === 'expired') expect((error as Error).message).toMatch(/expired/);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(token);
    }
  });
});

describe('a certificate', () => {
  it('that nobody vouches for is refused before anything is sent', async () => {
    for (const error of await errors(await open({}, { tls: {} }))) {
      expect(error).toMatchObject({
        code: 'SHARDFEED_HDFS_UNREACHABLE',
        message: expect.stringMatching(/self-signed.*tls.ca/),
      });
    }
  });

  it('for another name is refused', async () => {
    const authority = cluster.nn[0]!.https.replace('127.0.0.1', 'localhost');
    const [error] = await errors(await open({}, { scheme: 'swebhdfs', authority, configuration: new Map() }));
    expect(error).toMatchObject({ code: 'SHARDFEED_HDFS_UNREACHABLE', message: expect.stringMatching(/altnames/) });
  });
});

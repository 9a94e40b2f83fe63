import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { FileSystem } from '../../src/files/index.js';
import { type HdfsOptions, hdfsFileSystem } from '../../src/hdfs/index.js';
import { tokenText } from './credentials/fake-cluster.js';

const TOKEN = tokenText();
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(answer: RequestListener, host = '127.0.0.1') {
  const seen: IncomingMessage[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    seen.push(request);
    request.resume();
    answer(request, response);
  });
  server.on('connection', () => connections++);
  await new Promise<void>((done) => server.listen(0, host, done));
  closing.push(
    () => void server.close(),
    () => server.closeAllConnections(),
  );
  const { port } = server.address() as AddressInfo;
  return { authority: `${host}:${port}`, origin: `http://${host}:${port}`, seen, connections: () => connections };
}

const open = (authority: string, options: HdfsOptions = {}): Promise<FileSystem> =>
  hdfsFileSystem({
    scheme: 'webhdfs',
    authority,
    configuration: new Map(),
    authentication: { token: TOKEN },
    retry: { patience: 100, firstContact: 100, pause: 1 },
    ...options,
  });

const FILE = JSON.stringify({
  FileStatus: { type: 'FILE', length: 3, modificationTime: 1, pathSuffix: '', blockSize: 1, fileId: 7, replication: 1 },
});

/** A name node that has a file of three bytes and redirects all that touches its bytes. */
const redirectTo =
  (to: (url: string) => string): RequestListener =>
  (request, response) => {
    if (/op=(OPEN|CREATE|APPEND)/.test(request.url!)) response.writeHead(307, { location: to(request.url!) }).end();
    else if (/op=MKDIRS/.test(request.url!)) response.end('{"boolean":true}');
    else response.writeHead(200, { 'content-type': 'application/json' }).end(FILE);
  };

async function readAll(fs: FileSystem): Promise<string> {
  let text = '';
  for await (const chunk of fs.read('/a b')) text += Buffer.from(chunk).toString();
  return text;
}

async function writeAll(fs: FileSystem): Promise<void> {
  const writer = await fs.create('/new', { overwrite: true });
  await writer.write(Buffer.from('abc'));
  await writer.close();
}

describe('a name node that redirects to a foreign host', () => {
  it.each([
    ['reading', readAll],
    ['writing', writeAll],
  ] as const)('gets an error, and the host nothing: %s', async (_, use) => {
    const foreign = await listen((_request, response) => response.end('abc'), '127.0.0.2');
    const nameNode = await listen(redirectTo((url) => foreign.origin + url));
    const error = await Promise.resolve(use(await open(nameNode.authority))).catch((error: unknown) => error);
    expect(error).toMatchObject({
      code: 'SHARDFEED_HDFS_REDIRECT',
      message: expect.stringContaining(`${foreign.origin}/webhdfs/v1/`),
    });
    expect(inspect(error, { depth: 9 })).not.toContain(TOKEN);
    expect(foreign.connections()).toBe(0);
    expect(nameNode.seen.some(({ url }) => url!.includes(`delegation=${TOKEN}`))).toBe(true);
  });

  it('may do so where that is allowed; the host sees what the name node put into the URL, and nothing of ours', async () => {
    const dataNode = await listen((_request, response) => response.end('abc'), '127.0.0.2');
    const to = `${dataNode.origin}/webhdfs/v1/a%20b?op=OPEN&offset=0&namenoderpcaddress=ns1`;
    const nameNode = await listen((request, response) => {
      response.setHeader('set-cookie', 'hadoop.auth="u=alice&s=secret"; Path=/');
      redirectTo(() => to)(request, response);
    });
    const credentials = {
      query: async () => ({ 'user.name': 'alice' }),
      headers: async () => ({ authorization: 'Negotiate ticket', cookie: 'hadoop.auth=x' }),
    };
    expect(await readAll(await open(nameNode.authority, { credentials, allowRedirect: ['127.0.0.2'] }))).toBe('abc');
    expect(dataNode.seen.map(({ url }) => dataNode.origin + url)).toEqual([to]);
    for (const { headers } of dataNode.seen) expect(Object.keys(headers).sort()).toEqual(['connection', 'host']);
    for (const { headers } of nameNode.seen) expect(headers.authorization).toBe('Negotiate ticket');
  });
});

describe('a server that sends back what it was sent', () => {
  const remote = (message: string): string =>
    JSON.stringify({ RemoteException: { exception: 'IOException', message } });
  it.each<[string, RequestListener]>([
    ['in an exception', (request, response) => response.writeHead(403).end(remote(`no ${request.url}`))],
    ['as it stands', (_, response) => response.writeHead(403).end(remote(`no ${TOKEN}`))],
    ['in a page', (request, response) => response.writeHead(500).end(`<html><title>no ${request.url}</title>`)],
    ['as a refusal', (_, response) => response.writeHead(401).end(`token ${TOKEN} is unknown`)],
    ['as garbage', (request) => void request.socket.end(`NO ${TOKEN} \r\n\r\n`)],
    ['in a redirect', (request, response) => response.writeHead(307, { location: `ftp://x${request.url}` }).end()],
    ['in a redirect without URL', (_, response) => response.writeHead(307, { location: TOKEN }).end()],
  ])('%s: no error shows it', async (_, answer) => {
    const nameNode = await listen(answer);
    const fs = await open(nameNode.authority);
    for (const use of [() => fs.stat('/a b'), () => readAll(fs), () => writeAll(fs)]) {
      const error = (await use().catch((error: unknown) => error)) as Error;
      expect(error).toMatchObject({ name: 'ShardfeedError', code: expect.stringMatching(/^SHARDFEED_/) });
      const shown = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error) + error.stack;
      expect(shown).not.toContain(TOKEN);
      expect(shown).not.toContain(Buffer.from(TOKEN).toString('hex', 0, 9).match(/../g)!.join(' '));
    }
    expect(nameNode.seen.length).toBeGreaterThan(0);
  });
});

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type HdfsOptions, hdfsFileSystem } from '../../src/hdfs/index.js';

export interface FakeRequest {
  readonly op: string;
  readonly method: string;
  /** Decoded, without `/webhdfs/v1`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** `host:port` that was asked. */
  readonly host: string;
  /** Reads the body. */
  body(): Promise<Buffer>;
}

/** What a fake server says: JSON, bytes, a redirect, an error, or nothing at all. */
export type FakeAnswer =
  | { json: unknown; status?: number }
  | { bytes: Uint8Array; declare?: number; cutAfter?: number }
  | { location: string }
  | { status: number; body?: string; headers?: Record<string, string> }
  | { exception: string; message?: string; status?: number }
  | { raw: string }
  | 'reset'
  | 'nothing';

export interface FakeServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly origin: string;
  /** `OP path` of every request so far. */
  readonly asked: string[];
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** A server on a free port of this machine that answers as it is told, until the test ends. */
export async function fakeServer(
  answer: (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>,
): Promise<FakeServer> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (incoming, outgoing) => {
    const url = new URL(incoming.url!, `http://${incoming.headers.host}`);
    const request: FakeRequest = {
      op: url.searchParams.get('op') ?? '',
      method: incoming.method!,
      path: decodeURIComponent(url.pathname.replace('/webhdfs/v1', '')),
      query: url.searchParams,
      host: incoming.headers.host!,
      body: () => readAll(incoming),
    };
    asked.push(`${request.op} ${request.path}`);
    // A client that goes away fails what reads its body.
    const said = await Promise.resolve(answer(request)).catch(() => 'reset' as const);
    send(said, outgoing);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return { address, origin: `http://${address}`, asked, sockets, close };
}

function send(answer: FakeAnswer, outgoing: ServerResponse): void {
  const socket = outgoing.socket!;
  if (answer === 'nothing') return;
  if (answer === 'reset') socket.resetAndDestroy();
  else if ('raw' in answer) socket.end(answer.raw);
  else if ('location' in answer) outgoing.writeHead(307, { location: answer.location }).end();
  else if ('exception' in answer) {
    const { exception, message = '', status = 403 } = answer;
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify({ RemoteException: { exception, javaClassName: `x.${exception}`, message } }));
  } else if ('json' in answer) {
    outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
  } else if ('bytes' in answer) {
    const { bytes, declare = bytes.length, cutAfter } = answer;
    outgoing.writeHead(200, { 'content-length': String(declare), connection: 'close' });
    if (cutAfter === undefined) outgoing.end(bytes);
    else outgoing.write(bytes.subarray(0, cutAfter), () => setImmediate(() => socket.resetAndDestroy()));
  } else outgoing.writeHead(answer.status, answer.headers).end(answer.body);
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A driver for fake servers, the first preferred, that loses patience soon. */
export function fakeCluster(servers: readonly FakeServer[], options: HdfsOptions = {}) {
  const ids = servers.map((_, i) => `nn${i}`);
  const configuration = new Map([
    ['dfs.nameservices', 'ns'],
    ['dfs.ha.namenodes.ns', ids.join(',')],
    ...servers.map(({ address }, i) => [`dfs.namenode.http-address.ns.nn${i}`, address] as const),
  ]);
  return hdfsFileSystem({
    authority: 'ns',
    configuration,
    authentication: { user: 'alice' },
    retry: { patience: 2_000, firstContact: 1_000, pause: 10, longestPause: 50 },
    timeouts: { connect: 1_000, idle: 300, operation: 1_000 },
    ...options,
  });
}

/** The JSON of GETFILESTATUS. */
export function fileStatus(length: number, more: Record<string, unknown> = {}): FakeAnswer {
  const status = { type: 'FILE', length, modificationTime: 1_000, fileId: 7, owner: 'alice', group: 'users' };
  return { json: { FileStatus: { ...status, permission: '644', pathSuffix: '', ...more } } };
}

/** Answers requests of each operation in turn with the given answers, the last of them for ever. */
export function script(answers: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>) {
  const at: Record<string, number> = {};
  return ({ op }: FakeRequest): FakeAnswer => {
    const found = answers[op];
    if (found === undefined) return { exception: 'IllegalArgumentException', message: `no ${op} here`, status: 400 };
    if (!Array.isArray(found)) return found as FakeAnswer;
    at[op] = (at[op] ?? -1) + 1;
    return found[Math.min(at[op], found.length - 1)];
  };
}

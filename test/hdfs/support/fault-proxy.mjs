// A proxy on 127.0.0.1 between a client and a real cluster that breaks chosen exchanges. Redirects are rewritten, so what
// goes to the DataNodes passes through it too. Between faults it forwards faithfully, unasked `100 Continue` included.
import { createServer, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { garbageOf } from './faults.mjs';

const HTML = '<html><head><title>Error</title></head><body><h2>Service unavailable</h2></body></html>';
const BODIES = {
  empty: { type: 'text/plain', text: '' },
  html: { type: 'text/html', text: HTML },
  json: {
    type: 'application/json',
    text: JSON.stringify({
      RemoteException: { exception: 'IOException', javaClassName: 'java.io.IOException', message: 'injected' },
    }),
  },
};

/**
 * Starts a proxy. `names` are the http addresses (`host:port`) that clients begin with: of NameNodes or of HttpFS.
 * `decide` is asked once for every exchange (see faults.mjs); it can be set anew at any time.
 */
export async function startFaultProxy({ names, decide = () => undefined, latencyMs = 0 }) {
  const servers = new Map(); // upstream address -> { server, address }
  const sockets = new Set();
  const proxy = {
    decide,
    /** Every exchange so far, in order of arrival. */
    exchanges: [],
    /** The proxy's address for an upstream address, or undefined for one that was not met yet. */
    addressOf: (upstream) => servers.get(upstream)?.address,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([...servers.values()].map(({ server }) => new Promise((done) => server.close(done))));
    },
  };

  async function listen(upstream, role) {
    const known = servers.get(upstream);
    if (known !== undefined) return known.address;
    const server = createServer();
    const entry = { server, address: undefined, role };
    servers.set(upstream, entry);
    const handle = (incoming, outgoing) => {
      carry({ proxy, upstream, role, incoming, outgoing, latencyMs, rewrite }).catch(() => outgoing.destroy());
    };
    server.on('request', handle).on('checkContinue', handle);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    });
    server.requestTimeout = 0;
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    entry.address = `127.0.0.1:${server.address().port}`;
    return entry.address;
  }

  /** Leads an http URL of the cluster through the proxy. */
  async function rewrite(location) {
    const address = /^http:\/\/([^/]+)\//.exec(location)?.[1];
    if (address === undefined) return location;
    return location.replace(address, await listen(address, 'data'));
  }

  for (const name of names) await listen(name, 'name');
  return proxy;
}

/** One exchange, from the client's request to the end of the answer. */
async function carry({ proxy, upstream, role, incoming, outgoing, latencyMs, rewrite }) {
  const { socket } = incoming;
  const url = new URL(incoming.url, 'http://proxy');
  const exchange = {
    role,
    upstream,
    method: incoming.method,
    op: url.searchParams.get('op')?.toUpperCase() ?? '',
    path: decodeURIComponent(url.pathname.replace(/^\/webhdfs\/v1/, '')),
    query: url.searchParams,
    ordinal: proxy.exchanges.length,
  };
  proxy.exchanges.push(exchange);
  const fault = proxy.decide(exchange);
  exchange.fault = fault?.kind;
  if (latencyMs > 0) await sleep(latencyMs);

  switch (fault?.kind) {
    case 'delay':
      await sleep(fault.ms, undefined, { ref: false });
      break;
    case 'reset':
      return socket.resetAndDestroy();
    case 'garbage':
      socket.end(garbageOf(fault));
      return;
    case 'status': {
      const { type, text } = BODIES[fault.body];
      incoming.resume(); // as a server does that answers without reading: it takes what comes
      outgoing.writeHead(fault.status, { 'content-type': type, 'content-length': text.length, connection: 'close' });
      outgoing.end(text);
      return;
    }
  }

  const [host, port] = upstream.split(':');
  const forward = request({
    ...{ host, port, method: incoming.method, path: incoming.url, agent: false, setHost: false },
    headers: incoming.rawHeaders,
  });
  outgoing.on('close', () => forward.destroy()); // a client that leaves is seen to leave
  forward.on('continue', () => outgoing.writeContinue());
  const answered = new Promise((done, fail) => forward.on('response', done).on('error', fail));
  answered.catch(() => {});
  const sent = send(incoming, forward, fault, socket);
  sent.catch(() => forward.destroy());
  const answer = await answered; // a cluster that is not there is seen as a connection that breaks
  exchange.status = answer.statusCode;
  if (fault?.kind === 'lostAnswer') {
    for await (const _ of answer);
    return socket.resetAndDestroy();
  }
  await reply({ answer, outgoing, fault, latencyMs, rewrite, exchange });
}

/** The request's body goes up; the fault `resetUpload` breaks both sides after so many bytes of it. */
async function send(incoming, forward, fault, socket) {
  let bytes = 0;
  for await (const chunk of incoming) {
    const left = fault?.kind === 'resetUpload' ? fault.bytes - bytes : Number.POSITIVE_INFINITY;
    bytes += chunk.length;
    await put(forward, chunk.subarray(0, left));
    if (bytes >= left) {
      await sleep(20); // so that the DataNode has them before it sees the connection end
      forward.destroy();
      socket.resetAndDestroy();
      return;
    }
  }
  forward.end();
}

/** The answer goes down, whole or with the fault in its body. */
async function reply({ answer, outgoing, fault, latencyMs, rewrite, exchange }) {
  const headers = { ...answer.headers };
  if (headers.location !== undefined) headers.location = await rewrite(headers.location);
  let body = answer;
  if (/json/.test(headers['content-type'] ?? '')) {
    const text = await rewriteJson(await textOf(answer), rewrite);
    body = [Buffer.from(text)];
    delete headers['transfer-encoding'];
    headers['content-length'] = Buffer.byteLength(text);
  }
  // An error without its text could be anything.
  const breaks = fault?.kind === 'truncate' && answer.statusCode >= 400 ? undefined : BREAKS[fault?.kind];
  const limit = breaks === undefined ? Number.POSITIVE_INFINITY : fault.bytes;
  const length = headers['content-length'];
  if (breaks === BREAKS.truncate && length !== undefined) headers['content-length'] = Math.min(limit, Number(length));
  outgoing.writeHead(answer.statusCode, headers);
  if (latencyMs > 0) await sleep(latencyMs);
  exchange.bytes = 0;
  if (limit === 0) outgoing.flushHeaders();
  else {
    for await (const chunk of body) {
      const part = chunk.subarray(0, limit - exchange.bytes);
      await put(outgoing, part);
      exchange.bytes += part.length;
      if (exchange.bytes === limit) break;
    }
  }
  if (exchange.bytes < limit) return outgoing.end();
  await sleep(20); // so that the client has these bytes before it sees the connection break
  breaks(outgoing);
}

/** What happens where the body breaks off; the bytes before it are on their way. */
const BREAKS = {
  truncate: (outgoing) => outgoing.end(),
  cut: (outgoing) => outgoing.socket.resetAndDestroy(),
  halfClose: (outgoing) => outgoing.socket.end(),
  stall: () => {},
};

/** The addresses in an answer: `Location` of noredirect=true, and the `infoPort` of DataNodes, by which a client knows them. */
async function rewriteJson(text, rewrite) {
  let result = text;
  const location = /^\{"Location":"(.*)"\}$/.exec(text)?.[1];
  if (location !== undefined) result = JSON.stringify({ Location: await rewrite(location) });
  const ports = new Map();
  for (const [, port] of text.matchAll(/"infoPort":(\d+)/g)) {
    if (!ports.has(port)) ports.set(port, (await rewrite(`http://127.0.0.1:${port}/`)).split(/[:/]+/)[2]);
  }
  return result.replace(/"infoPort":(\d+)/g, (_, port) => `"infoPort":${ports.get(port)}`);
}

async function textOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Writes and waits until there is room again, or the stream is gone. */
async function put(stream, chunk) {
  if (chunk.length === 0 || stream.destroyed || stream.write(chunk)) return;
  await new Promise((done) => {
    const go = () => {
      stream.off('drain', go).off('close', go);
      done();
    };
    stream.on('drain', go).on('close', go);
  });
}

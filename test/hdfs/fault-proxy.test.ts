import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from './support/fault-proxy.mjs';
import { byRules, bySeed, type Fault, type FaultRule } from './support/faults.mjs';

const DATA = Buffer.alloc(300_000, 'abc');
const open: { proxy?: FaultProxy; servers: Server[] } = { servers: [] };

afterEach(async () => {
  await open.proxy?.[Symbol.asyncDispose]();
  for (const server of open.servers.splice(0)) server.close();
});

function listen(server: Server): Promise<string> {
  open.servers.push(server);
  return new Promise((done) =>
    server.listen(0, '127.0.0.1', () => done(`127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );
}

/** A NameNode that redirects to a DataNode, both as short as they can be; `uploads` is what the DataNode got. */
async function cluster(rules: FaultRule[] = []) {
  const uploads: { bytes: number; complete: boolean }[] = [];
  const data = await listen(
    createServer((incoming, outgoing) => {
      const upload = { bytes: 0, complete: false };
      if (incoming.method === 'PUT') uploads.push(upload);
      incoming.on('data', (chunk: Buffer) => {
        upload.bytes += chunk.length;
      });
      incoming.on('end', () => {
        upload.complete = incoming.complete;
        if (incoming.method === 'GET') outgoing.writeHead(200, { 'content-length': DATA.length }).end(DATA);
        else outgoing.writeHead(201).end();
      });
      incoming.on('error', () => {});
      if (incoming.method === 'PUT') outgoing.writeContinue();
    }),
  );
  const name = await listen(
    createServer((incoming, outgoing) => {
      const { pathname, searchParams } = new URL(incoming.url!, 'http://x');
      const location = `http://${data}${pathname}?op=${searchParams.get('op')}`;
      const json = (value: unknown) =>
        outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      if (searchParams.get('op') === 'GET_BLOCK_LOCATIONS') json([{ infoPort: Number(data.split(':')[1]) }]);
      else if (searchParams.get('noredirect') === 'true') json({ Location: location });
      else outgoing.writeHead(307, { location }).end();
    }),
  );
  open.proxy = await startFaultProxy({ names: [name], decide: byRules(rules) });
  return { proxy: open.proxy, url: `http://${open.proxy.addressOf(name)}/webhdfs/v1/f`, data, uploads };
}

interface Answer {
  status?: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
  /** Why the exchange broke off. */
  error?: string;
}

function exchange(url: string, method = 'GET', upload?: Buffer): Promise<Answer> {
  return new Promise((done) => {
    let response: IncomingMessage | undefined;
    const chunks: Buffer[] = [];
    const finish = (error?: NodeJS.ErrnoException) =>
      done({
        status: response?.statusCode,
        headers: response?.headers ?? {},
        body: Buffer.concat(chunks),
        error: error?.code,
      });
    const sent = request(url, { method, agent: false }, (incoming) => {
      response = incoming;
      incoming
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => finish())
        .on('error', finish);
    });
    sent.on('error', finish).end(upload);
  });
}

async function follow(url: string, method?: string, upload?: Buffer): Promise<Answer> {
  const { headers } = await exchange(url, method);
  return exchange(headers.location!, method, upload);
}

const strike = (fault: Fault): FaultRule[] => [{ role: 'data', fault }];

describe('without faults', () => {
  it('carries redirects, bodies and the unasked continue, and leads all of it through itself', async () => {
    const { proxy, url, data, uploads } = await cluster();
    const read = await follow(`${url}?op=OPEN`);
    expect(read.body.equals(DATA)).toBe(true);
    expect((await follow(`${url}?op=CREATE`, 'PUT', DATA)).status).toBe(201);
    expect(uploads).toEqual([{ bytes: DATA.length, complete: true }]);
    expect(proxy.exchanges.map(({ role, op, method }) => `${role} ${method} ${op}`)).toEqual([
      'name GET OPEN',
      'data GET OPEN',
      'name PUT CREATE',
      'data PUT CREATE',
    ]);
    const port = Number(proxy.addressOf(data)!.split(':')[1]);
    const blocks = await exchange(`${url}?op=GET_BLOCK_LOCATIONS`);
    expect(JSON.parse(blocks.body.toString())).toEqual([{ infoPort: port }]);
    const asked = await exchange(`${url}?op=OPEN&noredirect=true`);
    expect(JSON.parse(asked.body.toString()).Location).toContain(`//${proxy.addressOf(data)}/`);
  });
});

describe('a fault in an answer', () => {
  const cases: [Fault, Partial<Answer>, number][] = [
    [{ kind: 'cut', bytes: 1000 }, { status: 200, error: 'ECONNRESET' }, 1000],
    [{ kind: 'cut', bytes: 0 }, { status: 200, error: 'ECONNRESET' }, 0],
    [{ kind: 'halfClose', bytes: 1000 }, { status: 200, error: 'ECONNRESET' }, 1000],
    [{ kind: 'truncate', bytes: 1000 }, { status: 200, error: undefined }, 1000],
    [{ kind: 'cut', bytes: DATA.length + 1 }, { status: 200, error: undefined }, DATA.length],
    [{ kind: 'reset' }, { error: 'ECONNRESET' }, 0],
    [{ kind: 'lostAnswer' }, { error: 'ECONNRESET' }, 0],
    [{ kind: 'delay', ms: 1 }, { status: 200, error: undefined }, DATA.length],
    [{ kind: 'status', status: 503, body: 'html' }, { status: 503, error: undefined }, 100],
    [{ kind: 'garbage', bytes: 50, seed: 1 }, { error: 'HPE_INVALID_CONSTANT' }, 0],
  ];
  it.each(cases)('%j', async (fault, expected, bytes) => {
    const { url } = await cluster(strike(fault));
    const answer = await follow(`${url}?op=OPEN`);
    expect(answer).toMatchObject(expected);
    if (fault.kind === 'status') expect(answer.body.toString()).toContain('<html>');
    else expect(answer.body.equals(DATA.subarray(0, bytes))).toBe(true);
    expect((await follow(`${url}?op=OPEN`)).body.equals(DATA)).toBe(true);
  });

  it('falls silent', async () => {
    const { proxy, url } = await cluster(strike({ kind: 'stall', bytes: 10 }));
    const pending = follow(`${url}?op=OPEN`);
    while (proxy.exchanges[1]?.bytes !== 10) await new Promise(setImmediate);
    await proxy[Symbol.asyncDispose]();
    expect((await pending).body).toHaveLength(10);
  });
});

describe('a fault in an upload', () => {
  it('breaks it after so many bytes, which the DataNode has', async () => {
    const { url, uploads } = await cluster(strike({ kind: 'resetUpload', bytes: 100_000 }));
    expect((await follow(`${url}?op=CREATE`, 'PUT', DATA)).error).toMatch(/ECONNRESET|EPIPE/);
    expect(uploads).toEqual([{ bytes: 100_000, complete: false }]);
  });

  it('loses the answer of what was done', async () => {
    const { url, uploads } = await cluster(strike({ kind: 'lostAnswer' }));
    expect((await follow(`${url}?op=CREATE`, 'PUT', DATA)).error).toBe('ECONNRESET');
    expect(uploads).toEqual([{ bytes: DATA.length, complete: true }]);
  });
});

describe('who decides', () => {
  it('strikes the exchanges that a rule names, from the nth on', async () => {
    const fault: Fault = { kind: 'reset' };
    const { proxy, url } = await cluster([
      { op: 'OPEN', role: 'name', path: (p) => p === '/f', nth: 2, times: 2, fault },
    ]);
    for (let i = 0; i < 4; i++) await exchange(`${url}?op=OPEN`);
    await exchange(`${url}?op=CREATE`, 'PUT');
    expect(proxy.exchanges.map((e) => e.fault)).toEqual([undefined, 'reset', 'reset', undefined, undefined]);
  });

  it('draws the same faults from the same seed, of every kind, at the rate asked for', () => {
    const draw = (seed: number) => {
      const decide = bySeed(seed, 0.25);
      return Array.from({ length: 4000 }, () => decide({} as never));
    };
    const faults = draw(7);
    expect(draw(7)).toEqual(faults);
    const struck = faults.filter((fault) => fault !== undefined);
    expect(struck.length).toBeGreaterThan(800);
    expect(struck.length).toBeLessThan(1200);
    expect(new Set(struck.map(({ kind }) => kind)).size).toBe(9);
  });
});

import type { IncomingMessage } from 'node:http';
import { ShardfeedError, throwIfAborted } from '../errors.js';
import type { ReadOptions } from '../files/index.js';
import type { HdfsClient, Operation } from './client.js';
import type { NameNodeTarget } from './credentials.js';
import { DirectBody } from './direct-body.js';
import { Fault } from './fault.js';
import { existingStatus } from './find-status.js';
import { connectionFault, type From } from './http.js';
import { RangeQueue, type Sink } from './range-queue.js';
import { type HdfsStatus, member } from './status.js';

export interface ReadSettings {
  /** The least that one request asks for, and the most that is held of its answer. Default 8 MiB. */
  rangeBytes: number;
  /** The most that one request asks for, where the connection is fast. Default 64 MiB. */
  mostRangeBytes: number;
  /** Requests at a time for one stream. Default 4. */
  parallel: number;
}

export const READ: ReadSettings = { rangeBytes: 8 << 20, mostRangeBytes: 64 << 20, parallel: 4 };
/** What a stream begins with: enough for a header, little to throw away. A file up to this size is read at one stroke. */
const FIRST_BYTES = 1 << 20;
const MOST_ROUNDS = 10;

/**
 * The bytes of a file or range, several ranges in flight, put in order. Each range goes on at the byte where it broke,
 * from another replica. The stream ends only if the file at its end is the one that it was at the start: a small one that
 * was replaced meanwhile is read again, a large one fails with SHARDFEED_CHANGED.
 */
export async function* readHdfsFile(
  client: HdfsClient,
  path: string,
  options: ReadOptions,
  settings: ReadSettings,
): AsyncGenerator<Uint8Array> {
  const { start = 0, end = Number.POSITIVE_INFINITY, signal } = options;
  throwIfAborted(signal, path);
  for (let round = 0; ; round++) {
    const status = await fileStatus(client, path, signal);
    const limit = Math.min(end, status.size);
    if (start >= limit) return;
    const small = limit - start <= FIRST_BYTES;
    const ranges = new RangeQueue({
      start,
      end: limit,
      firstBytes: FIRST_BYTES,
      ...settings,
      fetch: (from, to, sink, stop) => fetchRange(client, status, from, to, sink, stop),
    });
    const held: Uint8Array[] = [];
    let missing = limit - start;
    try {
      for (;;) {
        throwIfAborted(signal, path);
        const chunk = await ranges.next(signal);
        if (chunk === undefined) break;
        missing -= chunk.length;
        if (small) held.push(chunk);
        else yield chunk;
      }
      if (missing === 0 && isSame(status, await fileStatus(client, path, signal))) {
        yield* held;
        return;
      }
    } catch (error) {
      if (!(error instanceof ChangedFault)) throw error;
    } finally {
      ranges.stop();
    }
    if (!small || round === MOST_ROUNDS) throw changed(path);
  }
}

/** @throws SHARDFEED_NOT_FOUND; SHARDFEED_IO for a folder */
async function fileStatus(client: HdfsClient, path: string, signal: AbortSignal | undefined): Promise<HdfsStatus> {
  const status = await existingStatus(client, { action: 'read', path, signal });
  if (status.type === 'file') return status;
  throw new ShardfeedError('SHARDFEED_IO', `cannot read ${path}: it is a folder`, { path });
}

function isSame(a: HdfsStatus, b: HdfsStatus): boolean {
  return a.fileId === b.fileId && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

class ChangedFault extends Error {}

function changed(path: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_CHANGED', `${path} was replaced, or grew or shrank, while it was read`, {
    path,
  });
}

/** Bytes [start, end) into `sink`, whatever breaks meanwhile. */
async function fetchRange(
  client: HdfsClient,
  status: HdfsStatus,
  start: number,
  end: number,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const { path } = status;
  let at = start;
  const excluded = new Set<string>();
  await client.run({ action: 'read', path, signal }, async (nameNode, attempts) => {
    if (at === end) return;
    const operation: Operation = {
      method: 'GET',
      op: 'OPEN',
      path,
      action: 'read',
      signal,
      query: {
        offset: at,
        length: end - at,
        ...(excluded.size > 0 ? { excludedatanodes: [...excluded].join(',') } : {}),
      },
    };
    try {
      const from = await client.locate(nameNode, operation);
      const body = from.origin.startsWith('http:') ? new DirectBody(end - at) : undefined;
      const answer = await client.openData(from, operation, body && ((options) => body.connect(options)));
      await pump(answer, body, { ...from, signal }, end - at, (chunk) => {
        at += chunk.length;
        attempts.progressed();
        return sink(chunk)?.then(() => attempts.progressed());
      });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'SHARDFEED_NOT_FOUND' || /out of the range/.test(error.message)) throw new ChangedFault();
      // A name node that has no other data node left may have excluded too many.
      if (error.code === 'SHARDFEED_HDFS_BLOCK_MISSING' && error.dataNode === undefined) excluded.clear();
      if (error.dataNode !== undefined) {
        const address = await transferAddress(client, nameNode, operation, at, error.dataNode);
        if (address !== undefined) excluded.add(address);
      }
      throw error;
    }
  });
}

/** Hands on exactly `length` bytes, and no faster than they are wanted. @throws Fault */
async function pump(
  answer: IncomingMessage,
  body: DirectBody | undefined,
  from: From,
  length: number,
  sink: Sink,
): Promise<void> {
  const declared = answer.headers['content-length'];
  const direct = declared === undefined ? undefined : body;
  let missing = length;
  let wanted: Promise<void> | undefined;
  await new Promise<void>((resolve, reject) => {
    let failed = false;
    // What breaks while nothing is wanted is asked for again only when it is.
    const fail = (error: unknown): void => {
      if (failed) return;
      failed = true;
      direct?.flush();
      answer.destroy();
      (wanted ?? Promise.resolve()).then(() => reject(connectionFault(error, from)));
    };
    if (declared !== undefined && Number(declared) !== length) {
      fail(new Error(`it offers ${declared} bytes of ${length}`));
      return;
    }
    const take = (chunk: Uint8Array): boolean => {
      missing -= chunk.length;
      if (missing < 0) {
        fail(new Error(`it sends more than the ${length} bytes that were asked for`));
        return false;
      }
      wanted = sink(chunk);
      if (missing === 0 || wanted === undefined) return true;
      const { socket } = answer;
      const { timeout = 0 } = socket;
      socket.setTimeout(0);
      wanted = wanted.then(() => {
        wanted = undefined;
        socket.setTimeout(timeout);
        if (direct === undefined) answer.resume();
        else direct.resume();
      });
      return false;
    };
    answer.once('end', () => (missing === 0 ? resolve() : fail(new Error(`it ended ${missing} bytes early`))));
    answer.once('error', fail);
    answer.once('close', () => fail(new Error(`the connection was closed ${missing} bytes early`)));
    if (direct === undefined) answer.on('data', (chunk: Buffer) => take(chunk) || answer.pause());
    else
      direct.begin(answer, (block) => {
        const more = take(block);
        if (missing === 0) {
          resolve();
          answer.destroy();
        }
        return more;
      });
  });
}

/**
 * The address of a data node as `excludedatanodes` wants it: that of its transfer port, where its URL has the port of its web server.
 * Undefined where it has none of the blocks at `offset`.
 */
async function transferAddress(
  client: HdfsClient,
  nameNode: NameNodeTarget,
  { path, signal }: Operation,
  offset: number,
  dataNode: string,
): Promise<string | undefined> {
  const operation: Operation = {
    method: 'GET',
    op: 'GET_BLOCK_LOCATIONS',
    path,
    action: 'read',
    signal,
    query: { offset, length: 1 },
  };
  const [, host, port] = /^(.*):(\d+)$/.exec(dataNode) ?? [];
  try {
    const blocks = member(await client.jsonOnce(nameNode, operation), 'LocatedBlocks', 'locatedBlocks') as {
      locations: Located[];
    }[];
    for (const { ipAddr, hostName, infoPort, infoSecurePort, xferPort } of blocks.flatMap((block) => block.locations)) {
      const here = host === ipAddr || host === hostName;
      if (here && (Number(port) === infoPort || Number(port) === infoSecurePort)) return `${ipAddr}:${xferPort}`;
    }
  } catch {
    // Not to know it costs another attempt at most.
  }
  return undefined;
}

interface Located {
  ipAddr: string;
  hostName: string;
  infoPort: number;
  infoSecurePort: number;
  xferPort: number;
}

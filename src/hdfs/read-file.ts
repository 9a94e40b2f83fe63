import { ShardfeedError, throwIfAborted } from '../errors.js';
import type { ReadOptions } from '../files/index.js';
import { BlockPlaces } from './block-places.js';
import type { HdfsClient } from './client.js';
import { ChangedFault, fetchRange } from './fetch-range.js';
import { existingStatus } from './find-status.js';
import { RangeQueue } from './range-queue.js';
import type { HdfsStatus } from './status.js';

export interface ReadSettings {
  /** The least that one request asks for, and the most that is held of its answer. Default 8 MiB. */
  rangeBytes: number;
  /** The most that one request asks for, where the connection is fast. Default 128 MiB, as large as blocks are. */
  mostRangeBytes: number;
  /** Requests at a time for one stream. Default 4. */
  parallel: number;
}

export const READ: ReadSettings = { rangeBytes: 8 << 20, mostRangeBytes: 128 << 20, parallel: 4 };
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
    const places = new BlockPlaces(status, client.places);
    const ranges = new RangeQueue({
      start,
      end: limit,
      firstBytes: FIRST_BYTES,
      ...settings,
      fetch: (from, to, sink, stop) => fetchRange(client, { path, start: from, end: to }, places, sink, stop),
    });
    const abort = (): void => ranges.stop(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const held: Uint8Array[] = [];
    let missing = limit - start;
    try {
      for (;;) {
        throwIfAborted(signal, path);
        const chunk = await ranges.next();
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
      signal?.removeEventListener('abort', abort);
      ranges.stop();
    }
    if (!small || round === MOST_ROUNDS) throw changed(path);
  }
}

/** @throws SHARDFEED_NOT_FOUND; SHARDFEED_IO for a folder */
export async function fileStatus(
  client: HdfsClient,
  path: string,
  signal: AbortSignal | undefined,
): Promise<HdfsStatus> {
  const status = await existingStatus(client, { action: 'read', path, signal });
  if (status.type === 'file') return status;
  throw new ShardfeedError('SHARDFEED_IO', `cannot read ${path}: it is a folder`, { path });
}

export function isSame(a: HdfsStatus, b: HdfsStatus): boolean {
  return a.fileId === b.fileId && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

export function changed(path: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_CHANGED', `${path} was replaced, or grew or shrank, while it was read`, {
    path,
  });
}

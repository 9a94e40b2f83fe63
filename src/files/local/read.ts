import * as callbacks from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ShardfeedError, throwIfAborted } from '../../errors.js';
import type { FileReader, ReadOptions } from '../file-system.js';
import { guarded, localError } from './errors.js';
import type { QuickReads } from './quick-reads.js';

const CHUNK_BYTES = 1 << 20;

/**
 * Reads a local file in chunks of 1 MiB, the next one on its way while the caller works on this one. Pipes and
 * devices are read too, from where they stand: a `start` skips.
 */
export async function* readLocalFile(path: string, options: ReadOptions): AsyncGenerator<Uint8Array> {
  const { start = 0, end = Number.POSITIVE_INFINITY, signal } = options;
  throwIfAborted(signal, path);
  const handle = await guarded(open(path, 'r'), 'read', path, { ENOTDIR: 'SHARDFEED_NOT_FOUND' });
  let ahead: Promise<Uint8Array> | undefined;
  try {
    const stat = await guarded(handle.stat(), 'read', path);
    if (stat.isDirectory()) throw new ShardfeedError('SHARDFEED_IO', `cannot read ${path}: it is a folder`, { path });
    const seekable = stat.isFile();
    let position = seekable ? start : 0;
    const size = seekable && stat.size > 0 ? stat.size : Number.POSITIVE_INFINITY;
    const limit = Math.min(end, size);
    const next = (): Promise<Uint8Array> => {
      const length = Math.max(0, Math.min(CHUNK_BYTES, limit - position));
      const chunk =
        length === 0 ? Promise.resolve(NOTHING) : readChunk(handle, path, length, seekable ? position : null);
      chunk.catch(() => undefined); // A failure is met where the chunk is awaited.
      return chunk;
    };
    ahead = next();
    for (;;) {
      const chunk = await ahead;
      throwIfAborted(signal, path);
      if (chunk.length === 0) return;
      const from = position;
      position += chunk.length;
      ahead = next();
      if (from >= start) yield chunk;
      else if (position > start) yield chunk.subarray(start - from);
    }
  } finally {
    await ahead?.catch(() => undefined);
    await handle.close();
  }
}

const NOTHING = new Uint8Array(0);

async function readChunk(handle: FileHandle, path: string, length: number, position: number | null) {
  // Not from Node's pool, which other buffers share, and not zeroed.
  const buffer = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await guarded(handle.read(buffer, 0, length, position), 'read', path);
  return new Uint8Array(buffer.buffer, 0, bytesRead);
}

const openFile = promisify(callbacks.open);
const statFile = promisify(callbacks.fstat);
const closeFile = promisify(callbacks.close);

/**
 * Opens a regular local file for reads into the caller's memory. The handles of `node:fs/promises` would cost as much as reading a
 * small file does.
 */
export async function openLocalReader(path: string, quick: QuickReads): Promise<FileReader> {
  const file = await guarded(openFile(path, 'r'), 'read', path, { ENOTDIR: 'SHARDFEED_NOT_FOUND' });
  let found: callbacks.Stats;
  try {
    found = await guarded(statFile(file), 'read', path);
    if (found.isDirectory()) throw new ShardfeedError('SHARDFEED_IO', `cannot read ${path}: it is a folder`, { path });
    // Some files of /proc are regular, and have no size either.
    if (!found.isFile() || found.size === 0) {
      throw new ShardfeedError('SHARDFEED_UNSUPPORTED', `${path} has no size, so it is only read as a stream`, {
        path,
      });
    }
  } catch (error) {
    await closeFile(file);
    throw error;
  }
  // The number of a closed file may be another file's at once: no read may come too late.
  let reads = 0;
  let drained = (): void => {};
  let closing: Promise<void> | undefined;
  return {
    found,
    read(into, position) {
      return new Promise((resolve, reject) => {
        if (closing !== undefined) {
          reject(new ShardfeedError('SHARDFEED_IO', `the reader of ${path} is closed`, { path }));
          return;
        }
        try {
          const bytes = quick.read(file, into, position);
          if (bytes !== undefined) {
            resolve(bytes);
            return;
          }
        } catch (error) {
          reject(localError(error, 'read', path));
          return;
        }
        reads++;
        callbacks.read(file, into, 0, into.length, position, (error, bytes) => {
          if (--reads === 0) drained();
          if (error === null) resolve(bytes);
          else reject(localError(error, 'read', path));
        });
      });
    },
    close() {
      closing ??= new Promise<void>((resolve) => {
        drained = resolve;
        if (reads === 0) resolve();
      }).then(() => closeFile(file));
      return closing;
    },
  };
}

import { createHash, randomUUID } from 'node:crypto';
import { isShardfeedError, ShardfeedError } from '../../errors.js';
import { displayPath } from '../display-path.js';
import type { CallOptions, FileReader, FileSystem, ReadOptions } from '../file-system.js';
import type { Files, Location } from '../files.js';
import { normalizePath } from '../paths.js';
import { DiskPages } from './disk-pages.js';
import { MemoryPages } from './memory-pages.js';
import { type CachedFile, PageCursor, PageReader } from './page-reader.js';

export interface CacheOptions {
  /** Bytes that may be kept; what was least recently used goes first. */
  readonly bytes: number;
  /**
   * A folder of this machine that keeps them, which outlives the process and which processes may share. Default: memory.
   */
  readonly folder?: string;
  /** What is kept and fetched at once, in bytes. Default 1 MiB. */
  readonly pageBytes?: number;
}

/** A file younger than this may change again without another mtime, so it is not kept. */
const SETTLED_MS = 2000;

/**
 * A file system that keeps what is read, in pages under path, size and mtime. Each read begins with a `stat`; pages that are not
 * kept are fetched, several at once. Everything else goes to the file system itself.
 * @throws SHARDFEED_USAGE
 */
export function cachingFileSystem(fs: FileSystem, options: CacheOptions): FileSystem {
  return withPages(fs, pageReader(options));
}

/** All file systems with one cache; see {@link cachingFileSystem}. */
export function cachingFiles(files: Files, options: CacheOptions): Files {
  const pages = pageReader(options);
  const wrapped = new Map<FileSystem, FileSystem>();
  const wrap = <L extends Location>(location: L): L => {
    const fs = wrapped.get(location.fs) ?? withPages(location.fs, pages);
    wrapped.set(location.fs, fs);
    return { ...location, fs };
  };
  return {
    resolve: (uri) => wrap(files.resolve(uri)),
    expand: async (uris, call) => (await files.expand(uris, call)).map(wrap),
  };
}

function pageReader({ bytes, folder, pageBytes = 1 << 20 }: CacheOptions): PageReader {
  if (!(bytes >= 0))
    throw new ShardfeedError('SHARDFEED_USAGE', `cache of ${bytes} bytes: a number of at least 0 is expected`);
  if (!Number.isSafeInteger(pageBytes) || pageBytes < 1) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `cache pages of ${pageBytes} bytes: a whole number above 0 is expected`,
    );
  }
  return new PageReader(folder === undefined ? new MemoryPages(bytes) : new DiskPages(folder, bytes), pageBytes);
}

function withPages(fs: FileSystem, pages: PageReader): FileSystem {
  // A driver that does not say whose files it has could be any: it shares pages with nobody.
  const identity = fs.scheme === 'file' || fs.authority !== undefined ? '' : randomUUID();

  /** Undefined for what is not kept: no file, of no size (a pipe), or just written. */
  async function look(path: string, options: CallOptions): Promise<CachedFile | undefined> {
    const stat = await fs.stat(path, options);
    const { type, size, mtimeMs } = stat;
    if (type !== 'file' || size === 0 || Math.abs(Date.now() - mtimeMs) < SETTLED_MS) return undefined;
    const name = JSON.stringify([identity, displayPath({ fs, path }), size, mtimeMs, pages.pageBytes]);
    return { fs, stat, key: createHash('sha256').update(name).digest('hex').slice(0, 32) };
  }

  async function* read(path: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const file = await look(normalizePath(path), options);
    if (file === undefined) return yield* fs.read(path, options);
    const start = options.start ?? 0;
    const end = Math.min(options.end ?? Number.POSITIVE_INFINITY, file.stat.size);
    const cursor = new PageCursor(pages, file, options.signal);
    let at = start;
    try {
      while (at < end) {
        const chunk = new Uint8Array(await cursor.bytes(at, end)); // the caller's own
        at += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (at > start || !isShardfeedError(error, 'SHARDFEED_CHANGED')) throw error;
      yield* fs.read(path, options); // replaced since we looked: there is another file to be read
    } finally {
      await cursor.close();
    }
  }

  async function openReader(path: string, options: CallOptions = {}): Promise<FileReader> {
    const file = await look(normalizePath(path), options);
    if (file === undefined) return fs.openReader === undefined ? streamed(path, options) : fs.openReader(path, options);
    const cursor = new PageCursor(pages, file, options.signal);
    return {
      found: file.stat,
      async read(into, position) {
        const end = Math.min(position + into.length, file.stat.size);
        let at = position;
        while (at < end) {
          const bytes = await cursor.bytes(at, end);
          into.set(bytes, at - position);
          at += bytes.length;
        }
        return at - position;
      },
      close: () => cursor.close(),
    };
  }

  /** For a driver without `openReader`: each read is a request. */
  async function streamed(path: string, options: CallOptions): Promise<FileReader> {
    const { type, size } = await fs.stat(path, options);
    if (type !== 'file') throw new ShardfeedError('SHARDFEED_IO', `cannot read ${path}: it is a folder`, { path });
    if (size === 0) {
      throw new ShardfeedError('SHARDFEED_UNSUPPORTED', `${path} has no size, so it is only read as a stream`, {
        path,
      });
    }
    return {
      async read(into, position) {
        let done = 0;
        for await (const chunk of fs.read(path, { ...options, start: position, end: position + into.length })) {
          into.set(chunk, done);
          done += chunk.length;
        }
        return done;
      },
      async close() {},
    };
  }

  const own: Partial<FileSystem> = { read, openReader };
  const get = (target: FileSystem, name: string | symbol): unknown => {
    if (Object.hasOwn(own, name)) return Reflect.get(own, name);
    const there: unknown = Reflect.get(target, name);
    return typeof there === 'function' ? there.bind(target) : there;
  };
  return new Proxy(fs, { get });
}

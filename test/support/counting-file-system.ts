import type { CallOptions, FileReader, FileStat, FileSystem, ReadOptions } from '../../src/files/index.js';

/** What a file system was asked for. */
export interface FileCounts {
  /** Calls that a remote file system answers one by one: looks, listings, and each range that was read. */
  requests: number;
  stats: number;
  lists: number;
  /** Files that were opened to be read, for a range or as a whole. */
  opens: number;
  /** Bytes that were read. */
  bytes: number;
  /** Opens and bytes of each path. */
  readonly files: Map<string, { opens: number; bytes: number }>;
  /** Every read: where, from which byte, how many. */
  readonly reads: { path: string; start: number; bytes: number }[];
  /** Files that are open now. */
  open: number;
  /** Forgets all but what is open now. */
  reset(): void;
}

/** A file system, and what it was asked for. What it changes is not counted. */
export function countingFileSystem(inner: FileSystem): { fs: FileSystem; counts: FileCounts } {
  const counts: FileCounts = {
    requests: 0,
    stats: 0,
    lists: 0,
    opens: 0,
    bytes: 0,
    files: new Map(),
    reads: [],
    open: 0,
    reset() {
      counts.files.clear();
      counts.reads.length = 0;
      Object.assign(counts, { requests: 0, stats: 0, lists: 0, opens: 0, bytes: 0 });
    },
  };
  const opened = (path: string): { opens: number; bytes: number } => {
    const file = counts.files.get(path) ?? { opens: 0, bytes: 0 };
    counts.files.set(path, file);
    counts.opens++;
    file.opens++;
    return file;
  };
  const counted = {
    stat(path: string, options?: CallOptions): Promise<FileStat> {
      counts.requests++;
      counts.stats++;
      return inner.stat(path, options);
    },
    list(path: string, options?: CallOptions): AsyncIterable<FileStat> {
      counts.requests++;
      counts.lists++;
      return inner.list(path, options);
    },
    async *read(path: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
      const file = opened(path);
      const read = { path, start: options.start ?? 0, bytes: 0 };
      counts.reads.push(read);
      counts.requests++;
      counts.open++;
      try {
        for await (const chunk of inner.read(path, options)) {
          for (const sum of [counts, file, read]) sum.bytes += chunk.length;
          yield chunk;
        }
      } finally {
        counts.open--;
      }
    },
    async openReader(path: string, options?: CallOptions): Promise<FileReader> {
      const reader = await inner.openReader!(path, options);
      const file = opened(path);
      counts.open++;
      let closed = false;
      return {
        ...(reader.found && { found: reader.found }),
        async read(into, position) {
          counts.requests++;
          const bytes = await reader.read(into, position);
          for (const sum of [counts, file]) sum.bytes += bytes;
          counts.reads.push({ path, start: position, bytes });
          return bytes;
        },
        async close() {
          if (!closed) counts.open--;
          closed = true;
          await reader.close();
        },
      };
    },
  };
  const get = (target: FileSystem, key: string | symbol): unknown => {
    const there: unknown = Reflect.get(target, key);
    if (there !== undefined && Object.hasOwn(counted, key)) return Reflect.get(counted, key);
    return typeof there === 'function' ? there.bind(target) : there;
  };
  return { fs: new Proxy(inner, { get }), counts };
}

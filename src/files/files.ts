import { ShardfeedError } from '../errors.js';
import type { CallOptions, FileSystem } from './file-system.js';
import { expandPattern } from './glob.js';
import { type HadoopOptions, hadoopDriver } from './hadoop-driver.js';
import { localFileSystem } from './local/local-file-system.js';
import { parseUri } from './uri.js';

/** Makes the file system of an authority (`namenode:8020`, a name service, `''` for the default one). */
export type DriverFactory = (authority: string) => FileSystem;

export interface FilesOptions {
  /** Further file systems by scheme, or others for the built-in ones. */
  drivers?: Readonly<Record<string, FileSystem | DriverFactory>>;
  /** For `hdfs://` and its kin: where the configuration lies, who we are. Default: as Hadoop's own tools find it. */
  hdfs?: HadoopOptions;
}

/** Where something lies: a path within a file system. */
export interface Location {
  readonly fs: FileSystem;
  readonly path: string;
}

/** A file as it was when a pattern led to it. */
export interface FoundFile extends Location {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
}

/** What a call takes that opens URIs. */
export interface WithFiles {
  /** Which file systems URIs can name. Default: the built-in ones. */
  files?: Files;
}

/** The file systems that URIs can name. */
export interface Files {
  /** Leads a URI or plain path to its file system. @throws SHARDFEED_UNSUPPORTED for an unknown scheme, SHARDFEED_USAGE */
  resolve(uri: string): Location;
  /**
   * The files that URIs, plain paths and glob patterns name, each once, in the order of the arguments and bytewise
   * within one. A folder stands for the files directly in it, and a pattern may match folders. Files and folders whose
   * names begin with `_` or `.` are skipped, but for a path that names one literally. Existing paths win over patterns.
   * @throws SHARDFEED_NOT_FOUND where an argument leads to no file
   */
  expand(uris: string | readonly string[], options?: CallOptions): Promise<FoundFile[]>;
}

function builtIn({ hdfs }: FilesOptions): Readonly<Record<string, DriverFactory>> {
  return {
    file: () => localFileSystem(),
    hdfs: hadoopDriver('hdfs', hdfs),
    webhdfs: hadoopDriver('webhdfs', hdfs),
    swebhdfs: hadoopDriver('swebhdfs', hdfs),
    httpfs: hadoopDriver('httpfs', hdfs),
  };
}

/** Opens file systems on first use and keeps one for each scheme and authority. */
export function openFiles(options: FilesOptions = {}): Files {
  const drivers: Record<string, FileSystem | DriverFactory> = { ...builtIn(options), ...options.drivers };
  const opened = new Map<string, FileSystem>();

  function resolve(uri: string): Location {
    const { scheme, authority, path } = parseUri(uri);
    const driver = Object.hasOwn(drivers, scheme) ? drivers[scheme] : undefined;
    if (driver === undefined) throw unknownScheme(scheme, Object.keys(drivers), uri);
    if (typeof driver !== 'function') return { fs: driver, path };
    const key = `${scheme}://${authority}`;
    const fs = opened.get(key) ?? driver(authority);
    opened.set(key, fs);
    return { fs, path };
  }

  async function expand(uris: string | readonly string[], call: CallOptions = {}): Promise<FoundFile[]> {
    const seen = new Map<FileSystem, Set<string>>();
    const found: FoundFile[] = [];
    for (const uri of typeof uris === 'string' ? [uris] : uris) {
      const { fs, path } = resolve(uri);
      const known = seen.get(fs) ?? new Set();
      seen.set(fs, known);
      for (const file of await expandPattern(fs, path, uri, call)) {
        if (!known.has(file.path)) found.push({ fs, path: file.path, size: file.size, mtimeMs: file.mtimeMs });
        known.add(file.path);
      }
    }
    return found;
  }

  return { resolve, expand };
}

/** {@link Files.resolve} with the built-in file systems, or those given. */
export function resolveUri(uri: string, options: WithFiles = {}): Location {
  return (options.files ?? openFiles()).resolve(uri);
}

/** {@link Files.expand} with the built-in file systems, or those given. */
export function expandGlob(
  uris: string | readonly string[],
  options: WithFiles & CallOptions = {},
): Promise<FoundFile[]> {
  return (options.files ?? openFiles()).expand(uris, options);
}

function unknownScheme(scheme: string, known: readonly string[], uri: string): ShardfeedError {
  const hint =
    scheme === 'memory'
      ? 'pass `files: openFiles({ drivers: { memory: memoryFileSystem() } })`'
      : `known are plain paths and ${known.map((name) => `${name}://`).join(', ')}; others can be passed as drivers`;
  return new ShardfeedError('SHARDFEED_UNSUPPORTED', `no driver for ${scheme}:// (${uri}): ${hint}`, { path: uri });
}

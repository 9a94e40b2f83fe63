import type { Options } from 'fast-glob';
import { isShardfeedError, ShardfeedError, throwIfAborted } from '../errors.js';
import type { CallOptions, FileStat, FileSystem } from './file-system.js';
import { findPath } from './find-path.js';
import { localError } from './local/errors.js';
import { baseName, compareBytes, isHidden, joinPath } from './paths.js';
import { statIfThere } from './stat-if-there.js';

const SPECIAL = /[*?[\]{}()!+@\\]/;

/** Whether a path is a pattern, unless something of that very name exists. */
export function mayBePattern(path: string): boolean {
  return SPECIAL.test(path);
}

/**
 * The files that a path or pattern leads to, in bytewise order. See `Files.expand`.
 * `uri` is what the user wrote, for messages.
 */
export async function expandPattern(
  fs: FileSystem,
  path: string,
  uri: string,
  options: CallOptions = {},
): Promise<FileStat[]> {
  const { base, pattern } = await splitPattern(fs, path, options);
  /** What was seen on the way: no file need be asked for twice. */
  const seen = new Map<string, FileStat>();
  const matches = pattern === '' ? [base] : await match(fs, base, pattern, seen, options);
  const files = new Map<string, FileStat>();
  let folders = 0;
  for (const found of matches) {
    const stat = seen.get(found) ?? (await findPath(fs, found, options));
    if (stat?.type === 'file') files.set(stat.path, stat);
    if (stat?.type !== 'folder') continue;
    folders++;
    for (const file of await visibleFiles(fs, stat.path, options)) files.set(file.path, file);
  }
  if (files.size === 0) throw notFound(uri, pattern, folders > 0);
  return [...files.values()].sort((a, b) => compareBytes(a.path, b.path));
}

/** Cuts a path where its pattern begins. A segment that exists as it is written is no pattern. */
async function splitPattern(fs: FileSystem, path: string, options: CallOptions) {
  const segments = path.split('/').slice(1);
  let base = '/';
  for (const [i, segment] of segments.entries()) {
    const next = joinPath(base, segment);
    if (SPECIAL.test(segment) && (await statIfThere(fs, next, options)) === undefined) {
      return { base, pattern: segments.slice(i).join('/') };
    }
    base = next;
  }
  return { base, pattern: '' };
}

async function match(
  fs: FileSystem,
  base: string,
  pattern: string,
  seen: Map<string, FileStat>,
  options: CallOptions,
): Promise<string[]> {
  if ((await findPath(fs, base, options))?.type !== 'folder') return [];
  const settings: Options = {
    cwd: base,
    onlyFiles: false,
    unique: false,
    ignore: ['**/_*', '**/_*/**'],
    fs: globAdapter(fs, seen, options),
  };
  // Most paths are no patterns, and loading it takes longer than many a command.
  const { default: glob } = await import('fast-glob');
  try {
    // fast-glob calls what begins with `!` a negative pattern, except `!(...)`.
    const names = await glob(/^!(?!\()/.test(pattern) ? `\\${pattern}` : pattern, settings);
    throwIfAborted(options.signal);
    return names.map((name) => joinPath(base, name));
  } catch (error) {
    throw localError(error, `look for ${pattern} in`, base);
  }
}

/** The part of `node:fs` that fast-glob calls when it is asked for promises. */
function globAdapter(fs: FileSystem, seen: Map<string, FileStat>, options: CallOptions): NonNullable<Options['fs']> {
  type Callback = (error: Error | null, result?: unknown) => void;
  const call = (promise: Promise<unknown>, callback: Callback): void => {
    promise.then(
      (result) => callback(null, result),
      (error: unknown) => callback(withErrno(error)),
    );
  };
  const statPath = (path: string, callback: Callback) => call(fs.stat(path, options).then(toDirent), callback);
  const readdir = (path: string, _options: unknown, callback: Callback) =>
    call(readFolder(fs, path, seen, options), callback);
  // fast-glob types its adapter as the overloads of `node:fs`; it calls only these forms.
  return { stat: statPath, lstat: statPath, readdir } as unknown as NonNullable<Options['fs']>;
}

async function readFolder(fs: FileSystem, path: string, seen: Map<string, FileStat>, options: CallOptions) {
  const entries: ReturnType<typeof toDirent>[] = [];
  for await (const stat of fs.list(path, options)) {
    seen.set(stat.path, stat);
    entries.push(toDirent(stat));
  }
  return entries;
}

function toDirent(stat: FileStat) {
  const folder = stat.type === 'folder';
  return {
    name: baseName(stat.path),
    isFile: () => !folder,
    isDirectory: () => folder,
    isSymbolicLink: no,
    isBlockDevice: no,
    isCharacterDevice: no,
    isFIFO: no,
    isSocket: no,
  };
}

const no = (): boolean => false;

function withErrno(error: unknown): Error {
  if (isShardfeedError(error, 'SHARDFEED_NOT_FOUND'))
    return Object.assign(new Error(error.message), { code: 'ENOENT' });
  return error instanceof Error ? error : new Error(String(error));
}

async function visibleFiles(fs: FileSystem, folder: string, options: CallOptions): Promise<FileStat[]> {
  const files: FileStat[] = [];
  for await (const stat of fs.list(folder, options)) {
    if (stat.type === 'file' && !isHidden(baseName(stat.path))) files.push(stat);
  }
  return files;
}

function notFound(uri: string, pattern: string, foldersFound: boolean): ShardfeedError {
  const why = foldersFound
    ? 'there are only folders without files (names that begin with _ or . do not count)'
    : pattern === ''
      ? 'no such file or folder'
      : 'nothing matches (names that begin with _ or . do not count)';
  return new ShardfeedError('SHARDFEED_NOT_FOUND', `${uri}: ${why}`, { path: uri });
}

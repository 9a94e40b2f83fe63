import * as callbacks from 'node:fs';
import { lstat, readdir, rename, rm, rmdir, statfs, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ShardfeedError, throwIfAborted } from '../../errors.js';
import type { CallOptions, CreateOptions, DeleteOptions, FileStat, FileSystem, ReadOptions } from '../file-system.js';
import { compareBytes, joinPath, normalizePath, parentPath } from '../paths.js';
import { makeFolder, syncFolder } from './durable.js';
import { errnoOf, guarded, localError } from './errors.js';
import { QuickReads } from './quick-reads.js';
import { openLocalReader, readLocalFile } from './read.js';
import { renameNoReplace } from './rename.js';
import { createLocalFile } from './writer.js';

const STATS_AT_ONCE = 64;
/** Half the time of that of `node:fs/promises`, which counts where a folder has ten thousand files. */
const stat = promisify(callbacks.stat);
const BELOW_A_FILE = { ENOTDIR: 'SHARDFEED_NOT_FOUND' } as const;

/**
 * The files of this machine. What is written is fsynced with its folder before `close`, `rename` and `mkdir` resolve.
 * Symbolic links are followed by `stat`, `list` and `read`, and moved or deleted as themselves.
 */
export function localFileSystem(): FileSystem {
  return new LocalFileSystem();
}

class LocalFileSystem implements FileSystem {
  readonly scheme = 'file';
  readonly capabilities = { freeSpace: true, replaceFile: true } as const;
  readonly #quick = new QuickReads();

  async stat(path: string, options: CallOptions = {}): Promise<FileStat> {
    const target = enter(path, options);
    return toFileStat(target, await guarded(stat(target), 'look at', target, BELOW_A_FILE));
  }

  async *list(path: string, options: CallOptions = {}): AsyncGenerator<FileStat> {
    const folder = enter(path, options);
    const raw = await guarded(readdir(folder, { encoding: 'buffer' }), 'list', folder);
    const names = raw.map((name) => toName(name, folder)).sort(compareBytes);
    for (let i = 0; i < names.length; i += STATS_AT_ONCE) {
      throwIfAborted(options.signal, folder);
      const paths = names.slice(i, i + STATS_AT_ONCE).map((name) => joinPath(folder, name));
      for (const found of await Promise.all(paths.map(statIfThere))) if (found !== undefined) yield found;
    }
  }

  read(path: string, options: ReadOptions = {}): AsyncIterable<Uint8Array> {
    return readLocalFile(normalizePath(path), options);
  }

  openReader(path: string, options: CallOptions = {}) {
    return attempt(path, options, (target) => openLocalReader(target, this.#quick));
  }

  create(path: string, options: CreateOptions = {}) {
    return attempt(path, options, (target) => createLocalFile(target, options));
  }

  async rename(from: string, to: string, options: CallOptions = {}): Promise<void> {
    await renameNoReplace(enter(from, options), normalizePath(to));
  }

  async replaceFile(from: string, to: string, options: CallOptions = {}): Promise<void> {
    const source = enter(from, options);
    const target = normalizePath(to);
    const found = await guarded(lstat(source), 'rename', source, BELOW_A_FILE);
    if (found.isDirectory()) {
      throw new ShardfeedError('SHARDFEED_IO', `cannot replace ${target} by ${source}: it is a folder`, {
        path: source,
      });
    }
    await guarded(rename(source, target), `rename ${source} to`, target, {
      EISDIR: 'SHARDFEED_EXISTS',
      ...BELOW_A_FILE,
    });
    await guarded(syncFolder(parentPath(target)), 'sync', target);
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<void> {
    const target = enter(path, options);
    if (target === '/') throw new ShardfeedError('SHARDFEED_IO', 'cannot delete the root folder', { path: target });
    const removal = options.recursive === false ? removeOne(target) : rm(target, { recursive: true, force: true });
    try {
      await removal;
      await syncFolder(parentPath(target));
    } catch (error) {
      if (!isMissing(error)) throw localError(error, 'delete', target);
    }
  }

  mkdir(path: string, options: CallOptions = {}): Promise<void> {
    return attempt(path, options, (target) => guarded(makeFolder(target), 'make the folder', target));
  }

  async freeSpace(path: string, options: CallOptions = {}): Promise<number> {
    for (let folder = enter(path, options); ; folder = parentPath(folder)) {
      try {
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      } catch (error) {
        if (!isMissing(error) || folder === '/') throw localError(error, 'ask for the free space of', folder);
      }
    }
  }
}

function enter(path: string, options: CallOptions): string {
  const target = normalizePath(path);
  throwIfAborted(options.signal, target);
  return target;
}

async function attempt<T>(path: string, options: CallOptions, act: (path: string) => Promise<T>): Promise<T> {
  return act(enter(path, options));
}

function isMissing(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}

function toFileStat(path: string, found: { isDirectory(): boolean; size: number; mtimeMs: number }): FileStat {
  const folder = found.isDirectory();
  return { path, type: folder ? 'folder' : 'file', size: folder ? 0 : found.size, mtimeMs: found.mtimeMs };
}

/** Undefined for what was deleted meanwhile, and for a symbolic link to nothing. */
async function statIfThere(path: string): Promise<FileStat | undefined> {
  try {
    return toFileStat(path, await stat(path));
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw localError(error, 'look at', path);
  }
}

/** A name that is not UTF-8 could be listed but never opened, as paths are strings. */
function toName(raw: Buffer, folder: string): string {
  const name = raw.toString();
  if (Buffer.from(name).equals(raw)) return name;
  throw new ShardfeedError(
    'SHARDFEED_UNSUPPORTED',
    `${folder} holds a file whose name is not UTF-8: ${name}; rename it`,
    {
      path: folder,
    },
  );
}

async function removeOne(path: string): Promise<void> {
  const found = await lstat(path);
  await (found.isDirectory() ? rmdir(path) : unlink(path));
}

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { throwIfAborted } from '../errors.js';
import { type CallOptions, displayPath, localFileSystem } from '../files/index.js';
import { mapLimited } from './map-limited.js';
import { readWhole } from './read-whole.js';
import {
  checkIndex,
  decodeIndex,
  decodeIndexHeader,
  encodeIndex,
  INDEX_HEADER_BYTES,
  type IndexHead,
  type IndexHeader,
  type IndexInput,
  type RecordIndex,
} from './record-index.js';
import type { DatasetPart } from './resolve.js';

/** What the folder may hold before the oldest go. */
const MOST_BYTES = 1 << 30;
/** A file younger than this may change again without another mtime. */
const SETTLED_MS = 2000;

/**
 * Indexes of files that have none beside them, kept on this machine under the file's URI, size and mtime. It can be lost at any
 * time, and whatever fails about it counts as not there.
 */
export class ScanCache {
  readonly #folder: string;
  #made: Promise<unknown> | undefined;
  #published = false;

  /** `folder` is where all caches lie; it need not exist. Default: {@link cacheFolder}. */
  constructor(folder: string = cacheFolder()) {
    this.#folder = join(folder, 'index');
  }

  /** The head of a file's index. */
  header(part: DatasetPart, options: CallOptions = {}): Promise<IndexHead | undefined> {
    return this.#read(part, { ...options, end: INDEX_HEADER_BYTES }, decodeIndexHeader);
  }

  /** A file's index. */
  index(part: DatasetPart, options: CallOptions = {}): Promise<RecordIndex | undefined> {
    return this.#read(part, options, decodeIndex);
  }

  /** Keeps an index, unless nothing tells the file from another one. */
  async publish(part: DatasetPart, index: IndexInput): Promise<void> {
    const file = this.#fileOf(part);
    if (file === undefined || Date.now() - part.mtimeMs! < SETTLED_MS) return;
    const aside = `${file}.${randomUUID()}`;
    try {
      this.#made ??= mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await this.#made;
      await writeFile(aside, encodeIndex(index), { mode: 0o600 });
      await rename(aside, file);
      this.#published = true;
    } catch {
      await rm(aside, { force: true }).catch(() => undefined);
    }
  }

  /** Deletes the oldest above 1 GiB, where something was added. */
  async prune(): Promise<void> {
    if (!this.#published) return;
    this.#published = false;
    try {
      const files = await mapLimited(await readdir(this.#folder), async (name) => {
        const file = join(this.#folder, name);
        return { file, found: await stat(file) };
      });
      files.sort((a, b) => b.found.mtimeMs - a.found.mtimeMs);
      let bytes = 0;
      for (const { file, found } of files) {
        bytes += found.size;
        if (bytes > MOST_BYTES) await rm(file, { force: true });
      }
    } catch {
      // Another process cleans up as well.
    }
  }

  async #read<T extends IndexHeader>(
    part: DatasetPart,
    options: CallOptions & { end?: number },
    decode: (bytes: Uint8Array, file: string) => T,
  ): Promise<T | undefined> {
    const path = this.#fileOf(part);
    if (path === undefined) return undefined;
    try {
      const index = decode(await readWhole({ fs: localFileSystem(), path }, options), path);
      checkIndex(index, { bytes: part.bytes, digest: part.listed?.digest }, path);
      return index;
    } catch {
      throwIfAborted(options.signal, path);
      return undefined;
    }
  }

  /** A driver that does not say whose files it has could be any. */
  #fileOf({ fs, path, bytes, mtimeMs }: DatasetPart): string | undefined {
    if (mtimeMs === undefined || (fs.scheme !== 'file' && fs.authority === undefined)) return undefined;
    const name = JSON.stringify([displayPath({ fs, path }), bytes, mtimeMs]);
    return join(this.#folder, `${createHash('sha256').update(name).digest('hex')}.idx`);
  }
}

/** Where this user's caches lie: `SHARDFEED_CACHE_DIR`, else `shardfeed` in the folder that the system has for it. */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const { SHARDFEED_CACHE_DIR, XDG_CACHE_HOME, LOCALAPPDATA } = env;
  if (SHARDFEED_CACHE_DIR) return SHARDFEED_CACHE_DIR;
  const home =
    platform === 'win32'
      ? LOCALAPPDATA || join(homedir(), 'AppData', 'Local')
      : platform === 'darwin'
        ? join(homedir(), 'Library', 'Caches')
        : XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(home, 'shardfeed');
}

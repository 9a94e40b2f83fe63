import { isShardfeedError } from '../../errors.js';
import type { CallOptions, FileReader } from '../../files/index.js';
import type { CatalogPart } from '../catalog.js';
import { checkUnchanged } from '../check-unchanged.js';
import type { ReadCounters } from '../read-counters.js';

/** Files that are kept open. */
const OPEN_FILES = 64;

interface OpenFile {
  /** Undefined where the file can only be read as a stream. */
  readonly reader: Promise<FileReader | undefined>;
  users: number;
}

/** Where read bytes go: memory for [at, at + bytes), valid until the next await. */
export type Room = (at: number, bytes: number) => Uint8Array;

/** Reads ranges of the parts of a dataset. Few files are open at a time, those that were used last. */
export class PartFiles {
  readonly #parts: readonly CatalogPart[];
  readonly #open = new Map<number, OpenFile>();
  readonly #seen = new Set<number>();
  readonly #counters: ReadCounters;

  constructor(parts: readonly CatalogPart[], counters: ReadCounters) {
    this.#parts = parts;
    this.#counters = counters;
  }

  /**
   * Reads [start, end) of the uncompressed part into a room; resolves to the number of bytes, less only where the file ends.
   * @throws SHARDFEED_CHANGED where the part is not the one that was opened, NOT_FOUND where it is gone
   */
  async read(part: number, start: number, end: number, room: Room, options: CallOptions): Promise<number> {
    if (!this.#seen.has(part)) await checkUnchanged(this.#parts[part]!, options);
    this.#seen.add(part);
    const file = this.#acquire(part, options);
    try {
      const reader = await file.reader;
      this.#counters.requests++;
      const count =
        reader === undefined
          ? await this.#stream(part, start, end, room, options)
          : await readInto(reader, start, end - start, room);
      this.#counters.bytes += count;
      return count;
    } finally {
      file.users--;
      await this.#closeIdle(OPEN_FILES);
    }
  }

  async close(): Promise<void> {
    await this.#closeIdle(0);
  }

  #acquire(part: number, options: CallOptions): OpenFile {
    const file = this.#open.get(part) ?? { reader: openReader(this.#parts[part]!, options), users: 0 };
    file.users++;
    this.#open.delete(part);
    this.#open.set(part, file); // behind all others
    return file;
  }

  async #closeIdle(keep: number): Promise<void> {
    for (const [part, file] of this.#open) {
      if (this.#open.size <= keep) return;
      if (file.users > 0) continue;
      this.#open.delete(part);
      await (await file.reader.catch(() => undefined))?.close();
    }
  }

  async #stream(part: number, start: number, end: number, room: Room, options: CallOptions): Promise<number> {
    const { fs, path } = this.#parts[part]!;
    let at = 0;
    for await (const chunk of fs.read(path, { ...options, start, end })) {
      room(at, chunk.length).set(chunk);
      at += chunk.length;
    }
    return at;
  }
}

async function openReader({ fs, path }: CatalogPart, options: CallOptions): Promise<FileReader | undefined> {
  try {
    return await fs.openReader?.(path, options);
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_UNSUPPORTED')) return undefined;
    throw error;
  }
}

async function readInto(reader: FileReader, start: number, bytes: number, room: Room): Promise<number> {
  let at = 0;
  while (at < bytes) {
    const count = await reader.read(room(at, bytes - at), start + at);
    if (count === 0) break;
    at += count;
  }
  return at;
}

import { channel } from 'node:diagnostics_channel';
import { type CallOptions, displayPath } from '../../files/index.js';
import type { CatalogPart } from '../catalog.js';
import { type OpenPart, type OpenPartTools, openPart, type Read, type Room, readsJointly } from './open-part.js';
import type { Extent } from './stage-plan.js';

/** Files that are kept open. */
const OPEN_FILES = 64;

/** Told of each range that was read: path, uncompressed bytes [start, end), how many there were, milliseconds. */
const readChannel = channel('shardfeed:read');

interface OpenFile {
  readonly part: Promise<OpenPart>;
  users: number;
}

/** Reads a range of a part. */
export type ReadRange = (start: number, end: number, room: Room) => Promise<Read>;

/** Reads ranges of the parts of a dataset. Few files are open at a time, those that were used last. */
export class PartFiles {
  readonly #parts: readonly CatalogPart[];
  readonly #tools: OpenPartTools;
  readonly #options: CallOptions;
  readonly #open = new Map<number, OpenFile>();

  constructor(parts: readonly CatalogPart[], tools: Omit<OpenPartTools, 'spare'>, options: CallOptions) {
    this.#parts = parts;
    this.#tools = { ...tools, spare: [] };
    this.#options = options;
  }

  /** These will be read. */
  expect(extents: readonly Extent[]): void {
    for (const { part, start, end } of extents) {
      if (readsJointly(this.#parts[part]!)) this.#tools.joint.expect(part, start, end);
    }
  }

  /**
   * Gives `work` a way to read [start, end) of the uncompressed part into a room; the part stays open meanwhile.
   * @throws SHARDFEED_CHANGED where the part is not the one that the dataset was opened with, NOT_FOUND where it is gone
   */
  async use<T>(part: number, work: (read: ReadRange) => Promise<T>): Promise<T> {
    const file = this.#acquire(part);
    try {
      const opened = await file.part;
      return await work((start, end, room) => {
        const read = opened.read(start, end, room, this.#options);
        return readChannel.hasSubscribers ? this.#tell(part, start, end, read) : read;
      });
    } finally {
      file.users--;
      if (this.#open.size > OPEN_FILES) await this.#closeIdle(OPEN_FILES);
    }
  }

  async #tell(part: number, start: number, end: number, reading: Promise<Read>): Promise<Read> {
    const since = performance.now();
    const read = await reading;
    const path = displayPath(this.#parts[part]!);
    readChannel.publish({ path, start, end, bytes: read.bytes, ms: performance.now() - since });
    return read;
  }

  async close(): Promise<void> {
    await this.#closeIdle(0);
  }

  #acquire(part: number): OpenFile {
    const file = this.#open.get(part) ?? {
      part: openPart(this.#parts[part]!, part, this.#tools, this.#options),
      users: 0,
    };
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
      const opened = await file.part.catch(() => undefined);
      await opened?.close();
    }
  }
}

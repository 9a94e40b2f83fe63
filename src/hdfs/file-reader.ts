import { ShardfeedError, throwIfAborted } from '../errors.js';
import { type CallOptions, type FileReader, type FileStat, Scope } from '../files/index.js';
import { BlockPlaces } from './block-places.js';
import type { HdfsClient } from './client.js';
import { ChangedFault, fetchRange } from './fetch-range.js';
import { RangeQueue } from './range-queue.js';
import { changed, fileStatus, isSame, type ReadSettings } from './read-file.js';
import { memorySink, type Sink } from './sink.js';
import type { HdfsStatus } from './status.js';

/** Read at once where less of a file's beginning is wanted: readers look at a header first. */
const HEAD_BYTES = 1 << 16;
/** How often it is asked, while a file is read, whether it still is the one that was opened. */
const CHECK_MS = 1_000;

/**
 * Opens a file for reads into the caller's memory. Reads that follow each other are fed by ranges in flight, as a stream is; all
 * others are a request each, of which many can be under way.
 * @throws SHARDFEED_NOT_FOUND; SHARDFEED_IO for a folder
 */
export async function openHdfsReader(
  client: HdfsClient,
  path: string,
  { signal }: CallOptions,
  settings: ReadSettings,
): Promise<FileReader> {
  throwIfAborted(signal, path);
  return new HdfsReader(client, await fileStatus(client, path, signal), signal, settings);
}

/** Reads that follow each other. */
interface Run {
  readonly ranges: RangeQueue;
  /** Where the next one begins. */
  at: number;
}

class HdfsReader implements FileReader {
  readonly #client: HdfsClient;
  readonly #status: HdfsStatus;
  readonly #settings: ReadSettings;
  readonly #places: BlockPlaces;
  readonly #scope: Scope;
  #checkedAt = performance.now();
  #head: Promise<Uint8Array> | undefined;
  #run: Run | undefined;
  #busy = false;
  #closed = false;

  constructor(client: HdfsClient, status: HdfsStatus, signal: AbortSignal | undefined, settings: ReadSettings) {
    this.#client = client;
    this.#status = status;
    this.#settings = settings;
    this.#places = new BlockPlaces(status, client.places);
    this.#scope = new Scope(signal);
    this.#signal.addEventListener('abort', () => this.#run?.ranges.stop(this.#signal.reason), { once: true });
  }

  get #signal(): AbortSignal {
    return this.#scope.signal;
  }

  get found(): Pick<FileStat, 'size' | 'mtimeMs'> {
    return this.#status;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const { path, size } = this.#status;
    if (this.#closed) {
      throw new ShardfeedError('SHARDFEED_IO', `cannot read ${path}: its reader is closed`, { path });
    }
    throwIfAborted(this.#signal, path);
    const wanted = into.subarray(0, Math.max(0, size - position));
    try {
      const count = wanted.length === 0 ? 0 : await this.#fill(wanted, position);
      if (count === 0 || performance.now() - this.#checkedAt > CHECK_MS) await this.#check();
      return count;
    } catch (error) {
      throw error instanceof ChangedFault ? changed(path) : error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#scope.end();
  }

  async #fill(into: Uint8Array, position: number): Promise<number> {
    if (position < HEAD_BYTES && (this.#head !== undefined || into.length < HEAD_BYTES)) {
      const head = await this.#readHead();
      const part = head.subarray(position, position + into.length);
      into.set(part);
      if (part.length > 0) return part.length;
    }
    if (this.#busy) {
      await this.#fetch(into, position);
      return into.length;
    }
    this.#busy = true;
    try {
      return await this.#readOn(into, position);
    } catch (error) {
      this.#run?.ranges.stop();
      this.#run = undefined;
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  /** The next bytes of the run, or of one that begins here. What lies between, if it is little, is passed over. */
  async #readOn(into: Uint8Array, position: number): Promise<number> {
    const skipped = position - (this.#run?.at ?? Number.POSITIVE_INFINITY);
    if (this.#run === undefined || skipped < 0 || skipped > into.length) {
      this.#run?.ranges.stop();
      this.#run = { at: position, ranges: this.#rangesFrom(position, into.length) };
    }
    const run = this.#run;
    while (run.at < position) run.at += await run.ranges.readInto(into.subarray(0, position - run.at));
    const count = await run.ranges.readInto(into);
    run.at += count;
    return count;
  }

  #rangesFrom(start: number, firstBytes: number): RangeQueue {
    const fetch = (from: number, to: number, sink: Sink, stop: AbortSignal) =>
      fetchRange(this.#client, { path: this.#status.path, start: from, end: to }, this.#places, sink, stop);
    return new RangeQueue({ start, end: this.#status.size, firstBytes, ...this.#settings, fetch });
  }

  #fetch(into: Uint8Array, start: number): Promise<void> {
    const range = { path: this.#status.path, start, end: start + into.length };
    return fetchRange(this.#client, range, this.#places, memorySink(into), this.#signal);
  }

  #readHead(): Promise<Uint8Array> {
    const read = async (): Promise<Uint8Array> => {
      const head = new Uint8Array(Math.min(HEAD_BYTES, this.#status.size));
      await this.#fetch(head, 0);
      return head;
    };
    this.#head ??= read().catch((error: unknown) => {
      this.#head = undefined;
      throw error;
    });
    return this.#head;
  }

  /** @throws ChangedFault */
  async #check(): Promise<void> {
    const now = await fileStatus(this.#client, this.#status.path, this.#signal);
    if (!isSame(now, this.#status)) throw new ChangedFault();
    this.#checkedAt = performance.now();
  }
}

import { throwIfAborted } from '../../errors.js';
import {
  type CallOptions,
  displayPath,
  openSource,
  SpoolRoom,
  TemporaryFiles,
  untilAborted,
} from '../../files/index.js';
import { type ByteSource, type Gap, isGap } from '../../records/byte-source.js';
import type { CatalogPart } from '../catalog.js';
import { checkUnchanged } from '../check-unchanged.js';
import type { ReadCounters } from '../read-counters.js';

/** Where compressed parts are unpacked that cannot be entered in the middle. */
export interface UnpackOptions {
  /** Most bytes that they may take. Default 64 GiB. */
  readonly bytes?: number;
  /** A folder of this machine. Default the system's for temporary files. */
  readonly folder?: string;
}

const UNPACK_BYTES = 64 * 2 ** 30;

/** A stretch of the uncompressed part that damage of its compression took; zeros stand there, if it is known how many. */
export interface Hole {
  readonly start: number;
  readonly end: number;
  readonly gap: Gap;
}

/** All uncompressed bytes of a part, on local disk. Plain data, which can be sent to a thread. */
export interface UnpackedPart {
  readonly path: string;
  readonly holes: readonly Hole[];
}

/** Whether a part has to be unpacked before it can be read at any place. */
export function isUnpacked({ compression, splittable }: CatalogPart): boolean {
  return compression !== 'none' && !splittable;
}

/** Compressed parts that cannot be entered in the middle, as files: each is unpacked once, on first use, however many ask. */
export class UnpackedParts {
  readonly #parts: readonly CatalogPart[];
  readonly #counters: ReadCounters;
  readonly #files: TemporaryFiles;
  readonly #known = new Map<number, Promise<UnpackedPart>>();
  readonly #closed = new AbortController();

  constructor(parts: readonly CatalogPart[], counters: ReadCounters, options: UnpackOptions = {}) {
    const { bytes: limit = UNPACK_BYTES, folder: dir } = options;
    this.#parts = parts;
    this.#counters = counters;
    const names = { limit: 'unpack.bytes', dir: 'unpack.folder' };
    this.#files = new TemporaryFiles(new SpoolRoom({ dir, limit, names }));
  }

  /** @throws SHARDFEED_CHANGED, SHARDFEED_NOT_FOUND; SHARDFEED_NO_SPACE; SHARDFEED_ABORTED by the signal, or after `close` */
  async get(part: number, { signal }: CallOptions): Promise<UnpackedPart> {
    throwIfAborted(signal);
    throwIfAborted(this.#closed.signal);
    let unpacking = this.#known.get(part);
    if (unpacking === undefined) {
      // Nobody's signal ends what others wait for too.
      unpacking = this.#unpack(this.#parts[part]!);
      this.#known.set(part, unpacking);
      unpacking.catch(() => this.#known.delete(part));
    }
    return signal === undefined ? unpacking : untilAborted(unpacking, signal, displayPath(this.#parts[part]!));
  }

  /** Ends what is under way and deletes the files. A second call does nothing. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.allSettled(this.#known.values());
    await this.#files.close();
  }

  async #unpack(part: CatalogPart): Promise<UnpackedPart> {
    const { signal } = this.#closed;
    await checkUnchanged(part, { signal });
    this.#counters.requests++;
    this.#counters.bytes += part.bytes;
    const holes: Hole[] = [];
    const source = openSource(part, { signal, codec: part.compression, damage: 'gap' });
    const { path } = await this.#files.keep(withZeros(source, 0, holes), { signal });
    return { path, holes };
  }
}

/** Zeros in place of what is lost, which is noted. */
export async function* withZeros(source: ByteSource, start: number, holes: Hole[]): AsyncGenerator<Uint8Array> {
  let at = start;
  for await (const item of source) {
    if (!isGap(item)) {
      yield item;
      at += item.length;
      continue;
    }
    const { lostBytes = 0 } = item;
    holes.push({ start: at, end: item.lostBytes === undefined ? Number.POSITIVE_INFINITY : at + lostBytes, gap: item });
    for (let left = lostBytes; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
    at += lostBytes;
  }
}

const ZEROS = new Uint8Array(64 << 10);

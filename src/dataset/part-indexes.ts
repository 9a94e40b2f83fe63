import { ShardfeedError, throwIfAborted } from '../errors.js';
import { type CallOptions, displayPath, untilAborted } from '../files/index.js';
import { ByteLru } from './byte-lru.js';
import type { Catalog, CatalogPart } from './catalog.js';
import { changed, checkUnchanged } from './check-unchanged.js';
import { indexForReading, readIndex } from './part-index.js';
import { bytesOf, type PartOffsets } from './part-offsets.js';
import { type ForeignOptions, scanForeign } from './scan-foreign.js';

const DEFAULT_BYTES = 256 << 20;

export interface PartIndexesOptions extends Omit<ForeignOptions, 'signal'> {
  /** Where they are kept: what opening found may be there already. Default: {@link keptIndexes}. */
  kept?: ByteLru<number, PartOffsets>;
}

/** Room for indexes by the number of their part, `limit` in bytes. Default 256 MiB. */
export function keptIndexes(limit: number = DEFAULT_BYTES): ByteLru<number, PartOffsets> {
  return new ByteLru(limit, bytesOf);
}

/** Where the records of each part lie: loaded on first use, once however many ask, and kept while there is room. */
export class PartIndexes {
  readonly #parts: readonly CatalogPart[];
  readonly #options: PartIndexesOptions;
  readonly #kept: ByteLru<number, PartOffsets>;
  readonly #loading = new Map<number, Promise<PartOffsets>>();
  readonly #closed = new AbortController();

  constructor({ parts }: Pick<Catalog, 'parts'>, options: PartIndexesOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#kept = options.kept ?? keptIndexes();
  }

  /**
   * @throws SHARDFEED_STALE where an index belongs to other bytes, SHARDFEED_CHANGED where the part has other records than when the
   * dataset was opened; SHARDFEED_ABORTED by the signal, or after `close`; what a scan throws
   */
  async get(part: number, options: CallOptions = {}): Promise<PartOffsets> {
    const known = this.#kept.get(part);
    if (known !== undefined) return known;
    const { signal } = options;
    throwIfAborted(signal);
    const loading = this.#loading.get(part) ?? this.#start(part);
    return signal === undefined ? loading : untilAborted(loading, signal, this.#parts[part]!.path);
  }

  /** Ends what is being loaded and forgets all. A second call does nothing. */
  close(): void {
    this.#closed.abort();
    this.#kept.clear();
  }

  /** Nobody's signal ends a load that others wait for too. */
  #start(part: number): Promise<PartOffsets> {
    const loading = this.#load(this.#parts[part]!).then((offsets) => {
      throwIfAborted(this.#closed.signal);
      this.#kept.set(part, offsets);
      return offsets;
    });
    this.#loading.set(part, loading);
    const done = (): boolean => this.#loading.delete(part);
    loading.then(done, done);
    return loading;
  }

  async #load(part: CatalogPart): Promise<PartOffsets> {
    const call = { signal: this.#closed.signal };
    throwIfAborted(call.signal, part.path);
    try {
      const offsets = (await this.#find(part, call)) ?? (await scanForeign(part, { ...this.#options, ...call }));
      const same = offsets.count === part.records && (offsets.digest === part.digest || offsets.lost !== undefined);
      if (same) return offsets;
      if (part.countedBy !== 'manifest') throw changed(part);
      const path = displayPath(part);
      const what = `${path} does not hold the records that the manifest lists; \`shardfeed verify\` tells more`;
      throw new ShardfeedError('SHARDFEED_STALE', what, { path });
    } catch (error) {
      // Where the file was changed, that explains all else.
      await checkUnchanged(part, call);
      throw error;
    }
  }

  #find(part: CatalogPart, call: CallOptions): Promise<PartOffsets | undefined> | undefined {
    const { strict, cache } = this.#options;
    if (part.countedBy === 'scan') return cache?.index(part, call);
    return strict ? readIndex(part, call) : indexForReading(part, { ...call, strict });
  }
}

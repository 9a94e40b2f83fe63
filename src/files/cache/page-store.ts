/** Keeps pages of files for a while. A page is whole or not there, and whatever fails about it counts as not there. */
export interface PageStore {
  /** A page that is kept, which the caller must not change. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Whether it is probably kept. */
  has(key: string): boolean;
  /** Keeps a page, for which the least recently used ones go. Never rejects. */
  put(key: string, page: Uint8Array): Promise<void>;
}

/** What is kept, by last use, and how much of it there is. */
export class LeastRecent {
  /** From the least to the most recently used. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  has(key: string): boolean {
    return this.#sizes.has(key);
  }

  /** Makes it the last used. */
  use(key: string, size = this.#sizes.get(key)): void {
    if (size === undefined) return;
    this.drop(key);
    this.#sizes.set(key, size);
    this.#bytes += size;
  }

  drop(key: string): void {
    this.#bytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
  }

  /** Takes out the least recently used, until no more than so many bytes are left. */
  shrink(bytes: number): string[] {
    const gone: string[] = [];
    for (const key of this.#sizes.keys()) {
      if (this.#bytes <= bytes) break;
      this.drop(key);
      gone.push(key);
    }
    return gone;
  }
}

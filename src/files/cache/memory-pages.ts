import { LeastRecent, type PageStore } from './page-store.js';

/** Pages in the memory of this process, no more than `limit` bytes. */
export class MemoryPages implements PageStore {
  readonly #limit: number;
  readonly #pages = new Map<string, Uint8Array>();
  readonly #order = new LeastRecent();

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(key: string): boolean {
    return this.#pages.has(key);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#order.use(key);
    return this.#pages.get(key);
  }

  async put(key: string, page: Uint8Array): Promise<void> {
    if (page.length > this.#limit) return;
    this.#pages.set(key, page);
    this.#order.use(key, page.length);
    for (const gone of this.#order.shrink(this.#limit)) this.#pages.delete(gone);
  }
}

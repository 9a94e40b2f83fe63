import { ShardfeedError } from '../../errors.js';
import { displayPath } from '../display-path.js';
import type { FileStat, FileSystem } from '../file-system.js';
import { Scope, untilAborted } from '../scope.js';
import type { PageStore } from './page-store.js';

/** Pages that are fetched by one read at most, and handed on when all of them are there. */
const RUN_PAGES = 8;

/** Neighbouring pages, which must not be changed. */
export interface PageRun {
  readonly first: number;
  readonly pages: readonly Uint8Array[];
}

/** A file as it was when a read began. */
export interface CachedFile {
  readonly fs: FileSystem;
  readonly stat: FileStat;
  /** Names this state of the file. */
  readonly key: string;
}

/** A run that is on its way. */
interface Fetch {
  readonly run: Promise<PageRun>;
  readonly scope: Scope;
  readonly keys: readonly string[];
  waiting: number;
}

/**
 * Pages of files out of a store, or fetched into it. Several that want the same page at once share one fetch, which ends
 * when nobody waits for it any more.
 */
export class PageReader {
  readonly pageBytes: number;
  readonly #store: PageStore;
  readonly #fetches = new Map<string, Fetch>();

  constructor(store: PageStore, pageBytes: number) {
    this.#store = store;
    this.pageBytes = pageBytes;
  }

  /**
   * A page. If it has to be fetched, those after it come along, up to `behind` or the first that is there.
   * @throws SHARDFEED_CHANGED; SHARDFEED_ABORTED; what the file system throws
   */
  async run(file: CachedFile, page: number, behind: number, { signal }: { signal: AbortSignal }): Promise<PageRun> {
    const key = keyOf(file, page);
    const stored = this.#fetches.has(key) ? undefined : await this.#store.get(key);
    if (stored !== undefined) return { first: page, pages: [stored] };
    const fetch = this.#fetches.get(key) ?? this.#fetch(file, page, behind);
    fetch.waiting++;
    try {
      return await untilAborted(fetch.run, signal, file.stat.path);
    } finally {
      if (--fetch.waiting === 0) this.#end(fetch);
    }
  }

  #fetch(file: CachedFile, first: number, behind: number): Fetch {
    const end = Math.min(behind, (Math.floor(first / RUN_PAGES) + 1) * RUN_PAGES);
    let last = first + 1;
    while (last < end && !this.#store.has(keyOf(file, last)) && !this.#fetches.has(keyOf(file, last))) last++;
    const scope = new Scope(undefined);
    const keys = Array.from({ length: last - first }, (_, i) => keyOf(file, first + i));
    const range = { first, last, pageBytes: this.pageBytes, signal: scope.signal };
    const run = fetchPages(file, range).then((pages) => this.#keep({ first, pages }, keys, scope.signal));
    const fetch: Fetch = { run, scope, keys, waiting: 0 };
    for (const key of keys) this.#fetches.set(key, fetch);
    void run.catch(() => undefined).then(() => this.#end(fetch));
    return fetch;
  }

  /** A run is handed on when it is kept, so that a slow disk slows down who reads instead of filling the memory. */
  async #keep(run: PageRun, keys: readonly string[], signal: AbortSignal): Promise<PageRun> {
    for (const [i, page] of run.pages.entries()) if (!signal.aborted) await this.#store.put(keys[i]!, page);
    return run;
  }

  #end(fetch: Fetch): void {
    fetch.scope.end();
    for (const key of fetch.keys) if (this.#fetches.get(key) === fetch) this.#fetches.delete(key);
  }
}

function keyOf({ key }: CachedFile, page: number): string {
  return `${key}-${page}`;
}

interface Range {
  readonly first: number;
  /** One past the last page. */
  readonly last: number;
  readonly pageBytes: number;
  readonly signal: AbortSignal;
}

/** Reads pages, each into memory of its own, and sees that the file is still what it was. */
async function fetchPages({ fs, stat }: CachedFile, { first, last, pageBytes, signal }: Range): Promise<Uint8Array[]> {
  const start = first * pageBytes;
  const end = Math.min(last * pageBytes, stat.size);
  const pages: Uint8Array[] = [];
  for (let at = start; at < end; at += pageBytes) pages.push(Buffer.allocUnsafeSlow(Math.min(pageBytes, end - at)));
  let done = 0;
  for await (const chunk of fs.read(stat.path, { start, end, signal })) {
    for (let from = 0; from < chunk.length; ) {
      const page = pages[Math.floor(done / pageBytes)];
      if (page === undefined) throw changed({ fs, path: stat.path });
      const into = done % pageBytes;
      const some = chunk.subarray(from, from + page.length - into);
      page.set(some, into);
      from += some.length;
      done += some.length;
    }
  }
  const now = await fs.stat(stat.path, { signal });
  if (start + done !== end || now.size !== stat.size || now.mtimeMs !== stat.mtimeMs)
    throw changed({ fs, path: stat.path });
  return pages;
}

function changed(file: { fs: FileSystem; path: string }): ShardfeedError {
  const path = displayPath(file);
  return new ShardfeedError('SHARDFEED_CHANGED', `${path} changed while it was read: read it again`, { path });
}

/** Reads on in a file: what it got last is held, and the run behind it is on its way. */
export class PageCursor {
  readonly #pages: PageReader;
  readonly #file: CachedFile;
  readonly #scope: Scope;
  #held: PageRun | undefined;
  #ahead: { readonly page: number; readonly run: Promise<PageRun> } | undefined;

  constructor(pages: PageReader, file: CachedFile, signal: AbortSignal | undefined) {
    this.#pages = pages;
    this.#file = file;
    this.#scope = new Scope(signal);
  }

  /** Bytes from `position` on, borrowed: those of one page. `end`, at most the file's, is where the caller will stop. */
  async bytes(position: number, end: number): Promise<Uint8Array> {
    const { pageBytes } = this.#pages;
    const page = Math.floor(position / pageBytes);
    const behind = Math.ceil(end / pageBytes);
    if (this.#held === undefined || page < this.#held.first || page >= this.#held.first + this.#held.pages.length) {
      const ahead = this.#ahead?.page === page ? this.#ahead.run : undefined;
      this.#ahead = undefined;
      this.#held = await (ahead ?? this.#pages.run(this.#file, page, behind, this.#scope));
      this.#goAhead(this.#held.first + this.#held.pages.length, behind);
    }
    const start = page * pageBytes;
    return this.#held.pages[page - this.#held.first]!.subarray(position - start, end - start);
  }

  /** Gives up what is on its way. */
  async close(): Promise<void> {
    this.#scope.end();
    await this.#ahead?.run.catch(() => undefined);
  }

  #goAhead(page: number, behind: number): void {
    if (page >= behind) return;
    const run = this.#pages.run(this.#file, page, behind, this.#scope);
    run.catch(() => undefined); // met again where it is wanted
    this.#ahead = { page, run };
  }
}

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { LeastRecent, type PageStore } from './page-store.js';

const SUFFIX = '.page';
const CRC_BYTES = 4;
/** What a process that died left half-written. */
const ABANDONED_MS = 600_000;
/** The folder is looked at again after this share of the limit was written: other processes write and delete as well. */
const LOOK_AGAIN = 1 / 16;
const AT_ONCE = 64;

/**
 * Pages in a folder of this machine, which processes may share: together they keep within `limit` bytes, but for a sixteenth of it
 * for each process that writes. Each page is a file that appears by a rename and ends with a CRC of its bytes, so one that
 * a crash left half-written is not there. When the disk is full, the limit becomes what is kept by then.
 */
export class DiskPages implements PageStore {
  readonly #folder: string;
  #limit: number;
  readonly #lookAgain: number;
  #order = new LeastRecent();
  #written = 0;
  #ready: Promise<void> | undefined;
  /** One page is written after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
    this.#lookAgain = limit * LOOK_AGAIN;
  }

  has(key: string): boolean {
    return this.#order.has(key);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await this.#start();
    const file = this.#fileOf(key);
    try {
      const stored = await readFile(file);
      const page = stored.subarray(0, -CRC_BYTES);
      if (stored.length < CRC_BYTES || stored.readUInt32LE(page.length) !== crc32(page)) {
        await this.#delete(key);
        return undefined;
      }
      this.#order.use(key, stored.length);
      const now = new Date();
      await utimes(file, now, now).catch(() => undefined);
      return page;
    } catch {
      this.#order.drop(key); // another process deleted it
      return undefined;
    }
  }

  put(key: string, page: Uint8Array): Promise<void> {
    this.#last = this.#last.then(() => this.#write(key, page));
    return this.#last;
  }

  async #write(key: string, page: Uint8Array): Promise<void> {
    await this.#start();
    const size = page.length + CRC_BYTES;
    if (size > this.#limit) return;
    await Promise.all(this.#order.shrink(this.#limit - size).map((gone) => this.#delete(gone)));
    const crc = Buffer.alloc(CRC_BYTES);
    crc.writeUInt32LE(crc32(page));
    const aside = join(this.#folder, `${randomUUID()}.tmp`);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(aside, [page, crc], { mode: 0o600 });
      await rename(aside, this.#fileOf(key));
    } catch {
      this.#limit = this.#order.bytes;
      await rm(aside, { force: true }).catch(() => undefined);
      return;
    }
    this.#order.use(key, size);
    this.#written += size;
    if (this.#written >= this.#lookAgain) await this.#look();
  }

  #start(): Promise<void> {
    this.#ready ??= this.#look();
    return this.#ready;
  }

  /** What the folder holds, by last use. */
  async #look(): Promise<void> {
    this.#written = 0;
    const found: { name: string; size: number; mtimeMs: number }[] = [];
    const names = await readdir(this.#folder).catch(() => []);
    for (let i = 0; i < names.length; i += AT_ONCE) {
      const some = names.slice(i, i + AT_ONCE).map(async (name) => {
        const status = await stat(join(this.#folder, name)).catch(() => undefined);
        if (status !== undefined) found.push({ name, size: status.size, mtimeMs: status.mtimeMs });
      });
      await Promise.all(some);
    }
    found.sort((a, b) => a.mtimeMs - b.mtimeMs);
    const order = new LeastRecent();
    for (const { name, size, mtimeMs } of found) {
      if (name.endsWith(SUFFIX)) order.use(name.slice(0, -SUFFIX.length), size);
      else if (name.endsWith('.tmp') && Date.now() - mtimeMs > ABANDONED_MS) {
        await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
      }
    }
    this.#order = order;
    await Promise.all(order.shrink(this.#limit).map((gone) => this.#delete(gone)));
  }

  async #delete(key: string): Promise<void> {
    this.#order.drop(key);
    await rm(this.#fileOf(key), { force: true }).catch(() => undefined);
  }

  #fileOf(key: string): string {
    return join(this.#folder, key + SUFFIX);
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isShardfeedError, ShardfeedError } from '../../errors.js';
import type { CallOptions, FileWriter } from '../file-system.js';
import type { Location } from '../files.js';
import { deleteAtExit } from './delete-at-exit.js';
import { localFileSystem } from './local-file-system.js';

/** Room for temporary data on local disk. */
export class SpoolRoom {
  /** The folder that holds it. */
  readonly dir: string;
  readonly #limit: number;
  readonly #names: { readonly limit: string; readonly dir: string };
  #taken = 0;

  /** `limit` in bytes. Default: the system's folder, and what the disk holds. `names`: what messages call the two. */
  constructor(
    options: { dir?: string | undefined; limit?: number | undefined; names?: { limit: string; dir: string } } = {},
  ) {
    this.dir = options.dir ?? tmpdir();
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY;
    this.#names = options.names ?? { limit: '--spool-bytes', dir: '--spool-dir' };
  }

  /** @throws SHARDFEED_NO_SPACE */
  take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken <= this.#limit) return;
    const what = `temporary data in ${this.dir} would exceed the limit of ${this.#limit} bytes: raise it (${this.#names.limit})`;
    throw new ShardfeedError('SHARDFEED_NO_SPACE', what, { path: this.dir });
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }

  /** A new folder in it, for this user alone. @throws SHARDFEED_IO, SHARDFEED_NO_SPACE */
  async makeFolder(): Promise<string> {
    try {
      return await mkdtemp(join(this.dir, 'shardfeed-spool-'));
    } catch (cause) {
      throw this.explain(cause);
    }
  }

  /** What went wrong with temporary data, in our own terms. */
  explain(cause: unknown): unknown {
    if (isShardfeedError(cause)) return cause;
    const full = ['ENOSPC', 'EDQUOT'].includes((cause as { code?: string }).code ?? '');
    const what = `cannot write temporary data in ${this.dir}: ${(cause as Error).message}; choose another folder (${this.#names.dir})`;
    return new ShardfeedError(full ? 'SHARDFEED_NO_SPACE' : 'SHARDFEED_IO', what, { path: this.dir, cause });
  }
}

/** Files on local disk, for this user alone, that go with `close`, or else when the process ends. */
export class TemporaryFiles {
  readonly #room: SpoolRoom;
  #dir: Promise<string> | undefined;
  #kept = (): void => {};
  #count = 0;
  #bytes = 0;

  constructor(room: SpoolRoom = new SpoolRoom()) {
    this.#room = room;
  }

  /** A new file to be filled. It is gone where `close` of its writer did not succeed. */
  async create(options: CallOptions = {}): Promise<Location & { readonly writer: FileWriter }> {
    this.#dir ??= this.#makeFolder();
    const path = join(await this.#dir, `${this.#count++}`);
    const fs = localFileSystem();
    const inner = await fs.create(path, options);
    const write = (bytes: Uint8Array): Promise<void> => {
      this.#bytes += bytes.length;
      this.#room.take(bytes.length);
      return inner.write(bytes);
    };
    return { fs, path, writer: { write, close: () => inner.close(), abort: () => inner.abort() } };
  }

  /** Keeps all bytes of a stream. */
  async keep(source: AsyncIterable<Uint8Array>, options: CallOptions = {}): Promise<Location & { size: number }> {
    const { fs, path, writer } = await this.create(options);
    let size = 0;
    try {
      for await (const bytes of source) {
        await writer.write(bytes);
        size += bytes.length;
      }
      await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
    return { fs, path, size };
  }

  async close(): Promise<void> {
    const dir = await this.#dir?.catch(() => undefined); // where it could not be made, whoever wanted it was told
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    this.#kept();
    this.#room.give(this.#bytes);
    this.#bytes = 0;
  }

  async #makeFolder(): Promise<string> {
    const folder = await this.#room.makeFolder();
    this.#kept = deleteAtExit(folder);
    return folder;
  }
}

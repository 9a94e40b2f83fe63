import { type FileHandle, open, rm } from 'node:fs/promises';
import { ShardfeedError, throwIfAborted } from '../../errors.js';
import type { CreateOptions, FileWriter } from '../file-system.js';
import { parentPath } from '../paths.js';
import { makeFolder, syncFolder, syncHandle } from './durable.js';
import { errnoOf, guarded } from './errors.js';

const BUFFER_BYTES = 64 << 10;
/** After so many bytes they begin to be made durable, so that `close` has little to wait for. */
const SYNC_BYTES = 16 << 20;

/** Opens a local file for writing, making its parents. */
export async function createLocalFile(path: string, options: CreateOptions): Promise<FileWriter> {
  const flags = options.overwrite === true ? 'w' : 'wx';
  const opened = open(path, flags).catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await makeFolder(parentPath(path));
    return open(path, flags);
  });
  const handle = await guarded(opened, 'create', path, { EISDIR: 'SHARDFEED_EXISTS', EEXIST: 'SHARDFEED_EXISTS' });
  return new LocalWriter(handle, path, options.signal);
}

/** Gathers small writes; large ones go straight to the file. */
class LocalWriter implements FileWriter {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  #buffer: Uint8Array | undefined;
  #used = 0;
  #unsynced = 0;
  /** What it fails of the system tells once, so `close` awaits it. */
  #syncing: Promise<void> | undefined;
  #state: 'open' | 'closed' | 'aborted' = 'open';

  constructor(handle: FileHandle, path: string, signal: AbortSignal | undefined) {
    this.#handle = handle;
    this.#path = path;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    throwIfAborted(this.#signal, this.#path);
    const large = bytes.length >= BUFFER_BYTES / 2;
    if (large || this.#used + bytes.length > BUFFER_BYTES) await this.#flush();
    if (large) return this.#put(bytes);
    this.#buffer ??= new Uint8Array(BUFFER_BYTES);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#checkOpen();
    throwIfAborted(this.#signal, this.#path);
    await this.#flush();
    await this.#syncing;
    await this.#sync();
    await guarded(this.#handle.close(), 'close', this.#path);
    await guarded(syncFolder(parentPath(this.#path)), 'sync', parentPath(this.#path));
    this.#buffer = undefined;
    this.#state = 'closed';
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.#buffer = undefined;
    await this.#syncing?.catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    await guarded(rm(this.#path, { force: true }), 'delete', this.#path);
  }

  #checkOpen(): void {
    if (this.#state === 'open') return;
    throw new ShardfeedError('SHARDFEED_IO', `cannot write ${this.#path}: its writer is ${this.#state}`, {
      path: this.#path,
    });
  }

  async #flush(): Promise<void> {
    if (this.#used === 0) return;
    const bytes = this.#buffer!.subarray(0, this.#used);
    this.#used = 0;
    await this.#put(bytes);
  }

  async #put(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await guarded(this.#handle.write(bytes, at), 'write', this.#path);
      at += bytesWritten;
    }
    this.#unsynced += bytes.length;
    if (this.#unsynced < SYNC_BYTES || this.#syncing !== undefined) return;
    this.#unsynced = 0;
    this.#syncing = this.#sync().then(() => {
      this.#syncing = undefined;
    });
    this.#syncing.catch(() => {}); // thrown by `close`
  }

  #sync(): Promise<void> {
    return guarded(syncHandle(this.#handle), 'sync', this.#path);
  }
}

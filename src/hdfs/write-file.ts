import { randomBytes } from 'node:crypto';
import { ShardfeedError, throwIfAborted } from '../errors.js';
import { baseName, type CreateOptions, type FileWriter, joinPath, parentPath } from '../files/index.js';
import type { HdfsClient, Operation } from './client.js';
import type { NameNodeTarget } from './credentials.js';
import { Fault, isBelowFile } from './fault.js';
import { findStatus, statusFrom } from './find-status.js';
import { renamePath } from './rename-path.js';
import { asError, type Task } from './retry.js';
import type { HdfsStatus } from './status.js';
import { Upload } from './upload.js';

/** What is kept to begin an upload again; a file up to this size is written again by the writer itself. */
const KEPT_BYTES = 1 << 20;
/** How long an error waits for what was left to be deleted. */
const CLEANING_MS = 5_000;
/** Enough to recognise whose it is; a name has at most 255 bytes. */
const NAME_SIGNS = 40;

/**
 * Opens a file for writing. The bytes go to a hidden sibling, `.<name>.<random>._COPYING_`; once the name node confirms
 * its length a rename gives it the name. A data node keeps what it has got when a connection breaks, and calls it whole.
 * @throws SHARDFEED_EXISTS, SHARDFEED_IO, ...
 */
export async function createHdfsFile(client: HdfsClient, path: string, options: CreateOptions): Promise<FileWriter> {
  const { overwrite = false, signal } = options;
  const task: Task = { action: 'create', path, signal };
  const [there] = await Promise.all([findStatus(client, path, task), makeParent(client, task)]);
  if (there !== undefined && (!overwrite || there.type === 'folder')) {
    const why = there.type === 'folder' ? 'a folder has the name' : 'it exists already';
    throw new ShardfeedError('SHARDFEED_EXISTS', `cannot create ${path}: ${why}`, { path });
  }
  return new HdfsWriter(client, path, overwrite, signal);
}

/**
 * CREATE would make it too, but tells that a file is in the way only when the content has been sent; and one that comes
 * late would make the folder of a job anew that has been given up.
 */
async function makeParent(client: HdfsClient, task: Task): Promise<void> {
  const operation: Operation = { ...task, method: 'PUT', op: 'MKDIRS', path: parentPath(task.path) };
  await client.run(task, async (nameNode) => {
    try {
      await client.jsonOnce(nameNode, operation);
    } catch (error) {
      if (!(error instanceof Fault) || (error.code !== 'SHARDFEED_EXISTS' && !isBelowFile(error))) throw error;
      throw new Fault('SHARDFEED_IO', 'a part of the path is a file, not a folder', { server: error.server });
    }
  });
}

type State = 'open' | 'closed' | 'aborted' | 'failed';

type Act = (body: Upload, temporary: string, nameNode: NameNodeTarget) => Promise<void>;

/** An upload, and the name that it has meanwhile. */
interface Attempt {
  readonly body: Upload;
  readonly temporary: string;
}

class HdfsWriter implements FileWriter {
  readonly #client: HdfsClient;
  readonly #path: string;
  readonly #overwrite: boolean;
  readonly #task: Task;
  /** Names that attempts have used and that may still be there. */
  readonly #left = new Set<string>();
  /** The beginning of the file, then what the upload has not taken yet. */
  #kept: Uint8Array = new Uint8Array(1 << 14);
  #fill = 0;
  #length = 0;
  #upload: Attempt | undefined;
  #state: State = 'open';
  readonly #givenUp = new AbortController();
  #underway: Promise<void> | undefined;

  constructor(client: HdfsClient, path: string, overwrite: boolean, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#path = path;
    this.#overwrite = overwrite;
    const given = this.#givenUp.signal;
    this.#task = { action: 'write', path, signal: signal === undefined ? given : AbortSignal.any([signal, given]) };
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#underway = this.#write(bytes);
    return this.#underway;
  }

  close(): Promise<void> {
    this.#underway = this.#close();
    return this.#underway;
  }

  /** What is under way ends first: an attempt that came later would make the folder anew. */
  async abort(): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'aborted') return;
    this.#state = 'aborted';
    this.#givenUp.abort();
    this.#upload?.body.destroy();
    await Promise.allSettled([this.#underway]);
    await this.#cleanUp();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#check();
    this.#length += bytes.length;
    if (this.#fill + bytes.length <= KEPT_BYTES) return this.#keep(bytes);
    if (this.#upload === undefined) await this.#begin();
    else await this.#send(this.#kept.subarray(0, this.#fill));
    this.#fill = 0;
    if (bytes.length <= KEPT_BYTES / 2) this.#keep(bytes);
    else await this.#send(bytes);
  }

  async #close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#check();
    try {
      const written = this.#upload === undefined ? await this.#writeWhole() : await this.#finish(this.#upload);
      await renamePath(this.#client, written, this.#path, this.#overwrite ? 'file' : 'nothing', this.#task);
      this.#left.delete(written.path);
      this.#state = 'closed';
    } catch (error) {
      this.#state = 'failed';
      throw error;
    } finally {
      await this.#cleanUp();
    }
  }

  #keep(bytes: Uint8Array): void {
    const needed = this.#fill + bytes.length;
    if (needed > this.#kept.length) {
      const larger = new Uint8Array(Math.min(KEPT_BYTES, Math.max(needed, 4 * this.#kept.length)));
      larger.set(this.#kept.subarray(0, this.#fill));
      this.#kept = larger;
    }
    this.#kept.set(bytes, this.#fill);
    this.#fill = needed;
  }

  /** Opens the upload and sends what was kept, as often as it takes. */
  async #begin(): Promise<void> {
    const kept = this.#kept.subarray(0, this.#fill);
    this.#upload = await this.#attempt(async (body) => {
      await body.write(kept);
    });
  }

  #attempt(act: Act): Promise<Attempt> {
    return this.#client.run(this.#task, (nameNode) => this.#attemptOnce(nameNode, act));
  }

  /** A CREATE under a fresh name, so that it can meet nothing that another left. @throws Fault */
  async #attemptOnce(nameNode: NameNodeTarget, act: Act): Promise<Attempt> {
    const temporary = temporaryName(this.#path);
    const operation: Operation = {
      ...this.#task,
      method: 'PUT',
      op: 'CREATE',
      path: temporary,
      query: { overwrite: false, createparent: false },
    };
    const to = await this.#client.locate(nameNode, operation);
    const body = new Upload(this.#client, to, this.#task.signal);
    this.#left.add(temporary);
    try {
      await act(body, temporary, nameNode);
      return { body, temporary };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  async #writeWhole(): Promise<HdfsStatus> {
    const kept = this.#kept.subarray(0, this.#fill);
    let written: HdfsStatus | undefined;
    await this.#attempt(async (body, temporary, nameNode) => {
      if (kept.length > 0) await body.write(kept);
      await body.finish('idle');
      written = await statusFrom(this.#client, nameNode, temporary, this.#task);
      if (written.size === kept.length) return;
      const message = `${written.size} of ${kept.length} bytes arrived`;
      throw new Fault('SHARDFEED_HDFS_UNREACHABLE', message, { server: nameNode.origin, remedy: 'again' });
    });
    return written!;
  }

  async #finish({ body, temporary }: Attempt): Promise<HdfsStatus> {
    await this.#send(this.#kept.subarray(0, this.#fill));
    await this.#guard(body.finish('confirm'));
    const written = await this.#statusOf(temporary);
    if (written?.size === this.#length) return written;
    throw this.#interrupted(`${written?.size ?? 'none'} of ${this.#length} bytes arrived`);
  }

  #statusOf(path: string): Promise<HdfsStatus | undefined> {
    return findStatus(this.#client, path, this.#task);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#guard(this.#upload!.body.write(bytes));
  }

  /** What was sent cannot be sent again from here. */
  async #guard(call: Promise<void>): Promise<void> {
    try {
      await call;
    } catch (error) {
      this.#state = 'failed';
      this.#upload?.body.destroy();
      try {
        if (!(error instanceof Fault) || error.remedy === 'none') throw asError(error, this.#task);
        if (error.code === 'SHARDFEED_HDFS_UNREACHABLE') await this.#askWhy();
        throw this.#interrupted(`${error.server}: ${error.message}`, error);
      } finally {
        await this.#cleanUp();
      }
    }
  }

  /**
   * A data node that refuses breaks off at once, and the connection may end before its reason is heard. A file of one
   * byte meets the same refusal, if it was one. @throws SHARDFEED_PERMISSION, SHARDFEED_NO_SPACE, ...
   */
  async #askWhy(): Promise<void> {
    await this.#client.run(this.#task, async (nameNode) => {
      try {
        await this.#attemptOnce(nameNode, async (body) => {
          await body.write(new Uint8Array(1));
          await body.finish('idle');
        });
      } catch (error) {
        if (!(error instanceof Fault) || error.remedy === 'none') throw error;
      }
    });
  }

  #interrupted(why: string, cause?: unknown): ShardfeedError {
    const message = `the upload of ${this.#path} broke off: ${why}`;
    return new ShardfeedError('SHARDFEED_WRITE_INTERRUPTED', message, { path: this.#path, cause });
  }

  /** Deletes what attempts left, as far as that can be done. */
  async #cleanUp(): Promise<void> {
    for (const path of this.#left) {
      const task: Task = { action: 'delete', path };
      const operation: Operation = { ...task, method: 'DELETE', op: 'DELETE', query: { recursive: false } };
      const deletion = this.#client.run(task, (node) => this.#client.jsonOnce(node, operation), CLEANING_MS);
      await deletion.then(() => this.#left.delete(path)).catch(() => undefined);
    }
  }

  #check(): void {
    if (this.#state !== 'open') {
      throw new ShardfeedError('SHARDFEED_IO', `cannot write ${this.#path}: its writer is ${this.#state}`, {
        path: this.#path,
      });
    }
    throwIfAborted(this.#task.signal, this.#path);
  }
}

function temporaryName(path: string): string {
  const name = [...baseName(path)].slice(0, NAME_SIGNS).join('');
  return joinPath(parentPath(path), `.${name}.${randomBytes(6).toString('hex')}._COPYING_`);
}

import { ShardfeedError } from '../../errors.js';
import { putFile } from '../attempts.js';
import type { CallOptions, CreateOptions, FileSystem, FileWriter } from '../file-system.js';
import { type Location, resolveUri, type WithFiles } from '../files.js';
import { joinPath, normalizePath } from '../paths.js';
import { Job, type JobOptions } from './job.js';
import { TIMING, type Timing } from './siblings.js';

export interface CommitOptions extends JobOptions, WithFiles {}

/** What became of a commit. */
export interface Committed {
  /** Leftovers beside the target that could not be deleted; the next job there tries again. */
  readonly left: readonly string[];
}

/**
 * A dataset that appears whole or not at all: everything is written into a folder beside it and made durable, then that
 * folder takes the name. A process that dies at any moment leaves the old dataset or the new one, and the next one cleans
 * up. See `names.ts` for what lies beside the target meanwhile.
 */
export class DatasetCommit {
  readonly #job: Job;
  readonly #opening = new Set<Promise<FileWriter>>();
  readonly #open = new Set<FileWriter>();
  /** Files that were closed, by their paths. */
  readonly #written = new Set<string>();
  /** Something was interrupted, and may have left what nobody wants. */
  #unclean = false;
  #state: 'open' | 'committed' | 'aborted' = 'open';

  /**
   * Takes the target, before any work is done: a URI, a plain path, or a place in a file system.
   * @throws SHARDFEED_EXISTS, SHARDFEED_BUSY where another job writes there, SHARDFEED_PERMISSION, ...
   */
  static async begin(
    target: string | Location,
    options: CommitOptions = {},
    timing: Timing = TIMING,
  ): Promise<DatasetCommit> {
    const location = typeof target === 'string' ? resolveUri(target, options) : target;
    const job = await Job.begin(location, 'folder', options, timing);
    const commit = new DatasetCommit(job);
    try {
      await job.fs.mkdir(job.data);
    } catch (error) {
      await commit.abort().catch(() => undefined);
      throw error;
    }
    return commit;
  }

  private constructor(job: Job) {
    this.#job = job;
  }

  get jobId(): string {
    return this.#job.jobId;
  }
  get fs(): FileSystem {
    return this.#job.fs;
  }
  /** Where the dataset will be. */
  get path(): string {
    return this.#job.target;
  }
  /** The caller's signal. */
  get call(): CallOptions {
    return this.#job.call;
  }
  /** Where its files are until then. */
  get staging(): string {
    return this.#job.data;
  }

  /**
   * Opens a file of the dataset; `name` is its path in it, such as `part-r-00000` or `_index/part-r-00000.idx`.
   * `overwrite` is for one that was interrupted; its signal is the caller's by default.
   */
  async create(name: string, options: CreateOptions = {}): Promise<FileWriter> {
    this.#checkOpen();
    const path = normalizePath(joinPath(this.staging, name));
    if (!path.startsWith(`${this.staging}/`)) {
      throw new ShardfeedError('SHARDFEED_USAGE', `${JSON.stringify(name)} lies outside of the dataset`, {
        path: name,
      });
    }
    this.#job.check();
    const opening = this.fs.create(path, { ...this.call, ...options }).then((writer) => this.#track(writer, path));
    this.#opening.add(opening);
    return opening.finally(() => this.#opening.delete(opening));
  }

  /** Writes a small file of the dataset. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await putFile(
      { create: (_, options) => this.create(name, options) },
      joinPath(this.path, name),
      content,
      this.call,
    );
  }

  /** Writes `_manifest.json` (where given) and `_SUCCESS`, and gives the dataset its name. All writers must be closed. */
  async commit(options: { manifest?: string | Uint8Array } = {}): Promise<Committed> {
    this.#checkOpen();
    if (this.#open.size > 0) {
      throw new ShardfeedError('SHARDFEED_USAGE', `${this.#open.size} files of ${this.path} are still being written`, {
        path: this.path,
      });
    }
    if (options.manifest !== undefined) await this.write('_manifest.json', options.manifest);
    await this.write('_SUCCESS', '');
    if (this.#unclean) await this.#sweep(this.staging);
    const left = await this.#job.publish();
    this.#state = 'committed';
    return { left };
  }

  /** Gives everything up and deletes what was written. Does nothing after `commit`. */
  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    await Promise.allSettled(this.#opening);
    await Promise.allSettled([...this.#open].map((writer) => writer.abort()));
    await this.#job.discard();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  #track(writer: FileWriter, path: string): FileWriter {
    this.#open.add(writer);
    const done = (): void => void this.#open.delete(writer);
    return {
      write: (bytes) => writer.write(bytes),
      close: async () => {
        await writer.close();
        this.#written.add(path);
        done();
      },
      abort: () => {
        this.#unclean = true;
        return writer.abort().finally(done);
      },
    };
  }

  /** Deletes the files that no writer of ours has closed: drivers keep what is under way beside its name. */
  async #sweep(folder: string): Promise<void> {
    for await (const { path, type } of this.fs.list(folder, this.call)) {
      if (type === 'folder') await this.#sweep(path);
      else if (!this.#written.has(path)) await this.fs.delete(path, this.call);
    }
  }

  #checkOpen(): void {
    if (this.#state === 'open') return;
    throw new ShardfeedError('SHARDFEED_USAGE', `the commit of ${this.path} is ${this.#state}`, { path: this.path });
  }
}

import type { FileWriter } from '../file-system.js';
import { type Location, resolveUri } from '../files.js';
import type { CommitOptions, Committed } from './dataset-commit.js';
import { Job } from './job.js';
import { TIMING, type Timing } from './siblings.js';

/**
 * A single file that appears whole or not at all, as `DatasetCommit` does for datasets. The file that it replaces can be
 * read until `commit`. It is a writer itself: `close` makes the bytes durable, `commit` gives them the name.
 */
export class FileCommit implements FileWriter {
  readonly #job: Job;
  #writer: FileWriter;
  #state: 'open' | 'committed' | 'aborted' = 'open';

  /** @throws SHARDFEED_EXISTS, SHARDFEED_BUSY where another job writes there, SHARDFEED_PERMISSION, ... */
  static async begin(
    target: string | Location,
    options: CommitOptions = {},
    timing: Timing = TIMING,
  ): Promise<FileCommit> {
    const location = typeof target === 'string' ? resolveUri(target, options) : target;
    const job = await Job.begin(location, 'file', options, timing);
    try {
      return new FileCommit(job, await job.fs.create(job.data, job.call));
    } catch (error) {
      await job.discard().catch(() => undefined);
      throw error;
    }
  }

  private constructor(job: Job, writer: FileWriter) {
    this.#job = job;
    this.#writer = writer;
  }

  /** Where the file will be. */
  get path(): string {
    return this.#job.target;
  }

  /** Where its bytes are until then. */
  get staging(): string {
    return this.#job.data;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#job.check();
    await this.#writer.write(bytes);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  /** Drops what was written, to begin anew. */
  async restart(): Promise<void> {
    await this.#writer.abort().catch(() => undefined);
    this.#job.check();
    this.#writer = await this.#job.fs.create(this.#job.data, { ...this.#job.call, overwrite: true });
  }

  async commit(): Promise<Committed> {
    if (this.#state === 'committed') return { left: [] };
    await this.close();
    const left = await this.#job.publish();
    this.#state = 'committed';
    return { left };
  }

  /** Gives the file up and deletes what was written. Does nothing after `commit`. */
  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    await this.#writer.abort().catch(() => undefined);
    await this.#job.discard();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }
}

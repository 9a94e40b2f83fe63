import { PartDigest } from '../../dataset/index.js';
import { ShardfeedError } from '../../errors.js';
import { Attempts, type CallOptions } from '../../files/index.js';
import type { PartSummary, PartWriter } from './part-writer.js';
import { type Records, sliceRecords } from './records-run.js';

/** A part file under way. */
export type Part = Pick<PartWriter, 'append' | 'close'>;

/** Gives the records of a stream again, from the one with an ordinal on. */
export type Again = (from: number) => AsyncIterable<Records>;

/**
 * A part file on a file system where writing may be interrupted: then all of it is written again, from the records'
 * source. The bytes are the same as if nothing had happened.
 */
export class RewrittenPart implements Part {
  readonly #path: string;
  readonly #open: (signal: AbortSignal) => Promise<PartWriter>;
  readonly #again: () => AsyncIterable<Records>;
  readonly #attempts: Attempts;
  /** Of what was appended. */
  readonly #digest = new PartDigest();
  #part: PartWriter | undefined;

  /** @param again gives the records that were appended, and may give more behind them */
  constructor(
    path: string,
    open: (signal: AbortSignal) => Promise<PartWriter>,
    again: () => AsyncIterable<Records>,
    options: CallOptions = {},
  ) {
    this.#path = path;
    this.#open = open;
    this.#again = again;
    this.#attempts = new Attempts(path, options);
  }

  async append(bytes: Uint8Array, meta: Uint32Array): Promise<void> {
    await this.#write((part) => part.append(bytes, meta));
    this.#digest.update(meta);
  }

  async close(): Promise<PartSummary> {
    const summary = await this.#write((part) => part.close());
    if (summary.digest === this.#digest.digest()) return summary;
    const what = `the input of ${this.#path} changed while it was read again: convert files that nobody is writing`;
    throw new ShardfeedError('SHARDFEED_IO', what, { path: this.#path });
  }

  async #write<T>(step: (part: PartWriter) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const part = this.#part ?? (await this.#begin());
        return await this.#attempts.call(() => step(part));
      } catch (error) {
        await this.#part?.abort().catch(() => undefined);
        this.#part = undefined;
        await this.#attempts.after(error);
      }
    }
  }

  async #begin(): Promise<PartWriter> {
    const part = await this.#attempts.call(() => this.#open(this.#attempts.signal));
    this.#part = part;
    const { records } = this.#digest;
    if (records === 0) return part;
    for await (const { bytes, meta } of sliceRecords(this.#again(), 0, records)) {
      await this.#attempts.call(() => part.append(bytes, meta));
    }
    return part;
  }
}

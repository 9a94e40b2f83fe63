import { createDeflate, createGzip } from 'node:zlib';
import { ShardfeedError } from '../../errors.js';
import type { FileWriter } from '../file-system.js';
import { makeAnonymous } from '../gzip-member.js';
import { type Codec, checkLevel } from './codec.js';
import { ENGINE_OPTIONS, Engine } from './engine.js';
import { GzipMemberWriter } from './gzip-member-writer.js';
import type { Member } from './members.js';

export interface CompressOptions {
  /** 0 (stored) to 9 (smallest); -1 (default) is zlib's own default, 6. */
  level?: number;
}

/** A writer that takes uncompressed bytes. */
export interface CompressWriter extends FileWriter {
  /** Bytes that went into the stored file; all of them only after `close`. */
  readonly storedBytes: number;
}

/** A {@link CompressWriter} for gzip whose output can be entered at the members that were cut. */
export interface MemberWriter extends CompressWriter {
  /** Ends the gzip member here, at a record boundary; one without content is not cut. */
  cutMember(): Promise<void>;
  /** Where each member begins, in order. A member is listed once it is written; complete after `close`. */
  readonly members: readonly Member[];
}

/**
 * Compresses into `writer` as one stream. The bytes depend on the content, the level and the version of zlib, never on how
 * the content was cut into writes.
 */
export function compressWriter(writer: FileWriter, codec: Codec, options: CompressOptions = {}): CompressWriter {
  const level = checkLevel(options.level);
  if (codec === 'none') return new PlainWriter(writer);
  if (codec === 'zstd')
    throw new ShardfeedError('SHARDFEED_UNSUPPORTED', 'zstd is read, not written: use gzip or zlib');
  return new StreamWriter(writer, codec, level);
}

/**
 * Compresses into gzip members that are cut on demand. A member is held in memory until it is cut; up to four are
 * compressed side by side on Node's thread pool.
 */
export function gzipMemberWriter(writer: FileWriter, options: CompressOptions = {}): MemberWriter {
  return new GzipMemberWriter(writer, checkLevel(options.level));
}

class PlainWriter implements CompressWriter {
  storedBytes = 0;
  readonly #writer: FileWriter;

  constructor(writer: FileWriter) {
    this.#writer = writer;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
    this.storedBytes += bytes.length;
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  abort(): Promise<void> {
    return this.#writer.abort();
  }
}

/** Feeding blocks of a fixed size keeps zlib's output free of how the caller cuts its writes. */
const BLOCK_BYTES = 256 << 10;

class StreamWriter implements CompressWriter {
  storedBytes = 0;
  readonly #writer: FileWriter;
  readonly #engine: Engine;
  readonly #codec: 'gzip' | 'zlib';
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #used = 0;
  #finished = false;

  constructor(writer: FileWriter, codec: 'gzip' | 'zlib', level: number) {
    const options = { ...ENGINE_OPTIONS, level };
    this.#engine = new Engine(codec === 'gzip' ? createGzip(options) : createDeflate(options));
    this.#writer = writer;
    this.#codec = codec;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, BLOCK_BYTES - this.#used);
      this.#block.set(bytes.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
      if (this.#used === BLOCK_BYTES) await this.#feed();
    }
  }

  async close(): Promise<void> {
    if (!this.#finished) {
      if (this.#used > 0) await this.#feed();
      await this.#put(this.#engine.finish());
      this.#finished = true;
      this.#engine.destroy();
    }
    await this.#writer.close();
  }

  async abort(): Promise<void> {
    this.#engine.destroy();
    await this.#writer.abort();
  }

  async #feed(): Promise<void> {
    const block = this.#block.subarray(0, this.#used);
    this.#used = 0;
    await this.#put(this.#engine.feed(block));
  }

  async #put(output: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of output) {
      if (this.storedBytes === 0 && this.#codec === 'gzip') makeAnonymous(piece);
      await this.#writer.write(piece);
      this.storedBytes += piece.length;
    }
  }
}

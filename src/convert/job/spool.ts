import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ShardfeedError } from '../../errors.js';
import type { SpoolRoom } from '../../files/index.js';
import { bytesIn, metaOf, type Records, type RecordsRun } from './records-run.js';

const BUFFER_BYTES = 16 << 20;
/** What one call of writev takes on every system. */
const MOST_BUFFERS = 1024;

/** What was written at one time: bucket b's share lies from base + starts[b] to base + starts[b + 1]. */
interface Flush {
  readonly base: number;
  readonly starts: Uint32Array;
}

interface Bucket {
  /** Parts of the arena that are not in the file yet. */
  pending: Uint8Array[];
  bytes: number;
  records: number;
}

/**
 * Records sorted into buckets on local disk, in one file: memory holds at most 16 MiB of them at a time. The file is
 * in a folder of its own, made for this user alone, and goes with `close`.
 */
export class Spool {
  readonly #room: SpoolRoom;
  readonly #dir: string;
  readonly #file: FileHandle;
  readonly #buckets: Bucket[];
  readonly #flushes: Flush[] = [];
  #arena: Uint8Array | undefined;
  #buffered = 0;
  #top = 0;
  /** The last flush, once somebody reads. */
  #flushed: Promise<void> | undefined;

  private constructor(room: SpoolRoom, dir: string, file: FileHandle, buckets: number) {
    this.#room = room;
    this.#dir = dir;
    this.#file = file;
    this.#buckets = Array.from({ length: buckets }, () => ({ pending: [], bytes: 0, records: 0 }));
  }

  static async open(buckets: number, room: SpoolRoom): Promise<Spool> {
    const dir = await room.makeFolder();
    try {
      return new Spool(room, dir, await open(join(dir, 'records'), 'wx+', 0o600), buckets);
    } catch (cause) {
      throw room.explain(cause);
    }
  }

  count(bucket: number): number {
    return this.#buckets[bucket]!.records;
  }
  bytes(bucket: number): number {
    return this.#buckets[bucket]!.bytes;
  }

  /** Copies the run: a bucket's share of a flush is whole records. */
  async add({ target, bytes, meta }: RecordsRun): Promise<void> {
    const bucket = this.#buckets[target]!;
    bucket.bytes += bytes.length;
    bucket.records += meta.length / 2;
    if (this.#buffered + bytes.length > BUFFER_BYTES) await this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      bucket.pending.push(bytes);
      await this.#flush();
      return;
    }
    this.#arena ??= Buffer.allocUnsafeSlow(BUFFER_BYTES); // pages that are never filled are never had
    const place = this.#arena.subarray(this.#buffered, this.#buffered + bytes.length);
    place.set(bytes);
    bucket.pending.push(place);
    this.#buffered += bytes.length;
  }

  /**
   * The records of one bucket in the order they came; each piece is valid until the next one is asked for. Nothing can be
   * added any more.
   */
  async *records(bucket: number): AsyncGenerator<Records> {
    let memory = new Uint8Array(0);
    for (const { length, read } of await this.#pieces(bucket)) {
      if (memory.length < length) memory = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      const bytes = memory.subarray(0, length);
      await read(bytes);
      yield { bytes, meta: metaOf(bytes) };
    }
  }

  /** All bytes of one bucket, in `room` where it is large enough. Nothing can be added any more. */
  async readAll(bucket: number, room?: ArrayBufferLike): Promise<Uint8Array> {
    const bytes = bytesIn(room, this.bytes(bucket));
    let at = 0;
    for (const { length, read } of await this.#pieces(bucket)) {
      await read(bytes.subarray(at, at + length));
      at += length;
    }
    return bytes;
  }

  async #pieces(bucket: number): Promise<{ length: number; read: (into: Uint8Array) => Promise<void> }[]> {
    this.#flushed ??= this.#flush();
    await this.#flushed;
    this.#arena = undefined;
    return this.#flushes.flatMap(({ base, starts }) => {
      const position = base + starts[bucket]!;
      const length = base + starts[bucket + 1]! - position;
      return length === 0 ? [] : [{ length, read: (into: Uint8Array) => this.#fill(into, position) }];
    });
  }

  async #fill(into: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, position + done);
      if (bytesRead === 0)
        throw new ShardfeedError('SHARDFEED_IO', 'the spool file was cut short', { path: this.#dir });
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#dir, { recursive: true, force: true });
    this.#room.give(this.#top);
  }

  /** Writes what is buffered, bucket by bucket, so that each bucket's share lies in one piece. */
  async #flush(): Promise<void> {
    const buffers: Uint8Array[] = [];
    const starts = new Uint32Array(this.#buckets.length + 1);
    for (const [b, bucket] of this.#buckets.entries()) {
      starts[b + 1] = bucket.pending.reduce((n, { length }) => n + length, starts[b]!);
      buffers.push(...bucket.pending);
      bucket.pending = [];
    }
    this.#flushes.push({ base: this.#top, starts });
    this.#room.take(starts.at(-1)!);
    try {
      for (let i = 0; i < buffers.length; i += MOST_BUFFERS) await this.#writeAll(buffers.slice(i, i + MOST_BUFFERS));
    } catch (cause) {
      throw this.#room.explain(cause);
    }
    this.#buffered = 0;
  }

  async #writeAll(buffers: Uint8Array[]): Promise<void> {
    while (buffers.length > 0) {
      const { bytesWritten } = await this.#file.writev(buffers, this.#top);
      this.#top += bytesWritten;
      dropWritten(buffers, bytesWritten);
    }
  }
}

/** Removes `bytes` from the head of a list of buffers. */
function dropWritten(buffers: Uint8Array[], bytes: number): void {
  let whole = 0;
  while (whole < buffers.length && bytes >= buffers[whole]!.length) bytes -= buffers[whole++]!.length;
  buffers.splice(0, whole);
  if (bytes > 0) buffers[0] = buffers[0]!.subarray(bytes);
}

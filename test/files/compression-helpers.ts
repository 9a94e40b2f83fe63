import { gzipSync } from 'node:zlib';
import { type DecompressOptions, decompress, type FileWriter } from '../../src/files/index.js';
import type { Gap } from '../../src/records/byte-source.js';

/** Cuts bytes into chunks of the given sizes, over and over. */
export async function* chunked(bytes: Uint8Array, ...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

export interface Outcome {
  /** All bytes, a `|` for each gap. */
  readonly text: string;
  readonly bytes: Buffer;
  readonly gaps: readonly Gap[];
}

export async function unpack(
  stored: Uint8Array,
  codec: Parameters<typeof decompress>[1],
  options: DecompressOptions & { chunk?: number } = {},
): Promise<Outcome> {
  const { chunk = 1000, ...rest } = options;
  const pieces: Buffer[] = [];
  const gaps: Gap[] = [];
  let text = '';
  for await (const item of decompress(chunked(stored, chunk), codec, rest)) {
    if (item instanceof Uint8Array) {
      pieces.push(Buffer.from(item));
      text += Buffer.from(item).toString('latin1');
    } else {
      gaps.push(item);
      text += '|';
    }
  }
  return { text, bytes: Buffer.concat(pieces), gaps };
}

/** Bytes that deflate cannot shorten much, different for each seed. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = seed; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export interface Members {
  readonly stored: Buffer;
  readonly starts: readonly number[];
  readonly contents: readonly Buffer[];
}

/** A gzip file with one member for each content. */
export function membersOf(contents: readonly (string | Buffer)[]): Members {
  const buffers = contents.map((content) => Buffer.from(content as string));
  const members = buffers.map((content) => gzipSync(content));
  const starts: number[] = [];
  let at = 0;
  for (const member of members) {
    starts.push(at);
    at += member.length;
  }
  return { stored: Buffer.concat(members), starts, contents: buffers };
}

export function tableOf({ stored, starts, contents }: Members) {
  let offset = 0;
  const members = starts.map((start, i) => {
    const member = { stored: start, offset };
    offset += contents[i]!.length;
    return member;
  });
  return { members, storedBytes: stored.length, bytes: offset };
}

/** A writer that keeps what it is given. */
export function collector(): FileWriter & { bytes(): Buffer } {
  const pieces: Buffer[] = [];
  return {
    write: async (bytes) => {
      pieces.push(Buffer.from(bytes));
    },
    close: async () => {},
    abort: async () => {},
    bytes: () => Buffer.concat(pieces),
  };
}

import { constants, inflateRawSync, inflateSync } from 'node:zlib';
import { maskedCrc32c } from '../../records/crc32c.js';
import { baseName } from '../paths.js';
import { type Codec, contentOfName, splitCodec } from './codec.js';
import { isMagic } from './gzip-header.js';

/** How many bytes of a file's start `detectFormat` wants to see, where the file has them. */
export const HEAD_BYTES = 1024;

export interface DetectedFormat {
  readonly codec: Codec;
  /** What the uncompressed bytes are: a valid record header tells, else the name; undefined where neither does. */
  readonly content: 'tfrecord' | 'csv' | undefined;
}

/**
 * Tells what a file is by its first bytes: a valid TFRecord header first (as an uncompressed record may begin like any
 * magic number), then the magic bytes of a compression, then the name.
 */
export function detectFormat(head: Uint8Array, name: string): DetectedFormat {
  const file = baseName(name);
  const named = splitCodec(file);
  if (isRecordHeader(head)) return { codec: 'none', content: 'tfrecord' };
  const codec = codecOfMagic(head) ?? named.codec;
  const content = codec !== 'none' && isRecordHeader(inflateHead(head, codec)) ? 'tfrecord' : contentOfName(named.stem);
  return { codec, content };
}

/** Whether bytes begin with a record's length and its masked CRC. */
function isRecordHeader(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  const stored = new DataView(bytes.buffer, bytes.byteOffset, 12).getUint32(8, true);
  return maskedCrc32c(bytes.subarray(0, 8)) === stored;
}

function codecOfMagic(head: Uint8Array): Codec | undefined {
  if (isMagic(head)) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return isZlib(head) ? 'zlib' : undefined;
}

/** zlib's two bytes are text as well (`x^2,y`), so they count only where what follows inflates. */
function isZlib(head: Uint8Array): boolean {
  const magic = head[0] === 0x78 && (0x7800 | head[1]!) % 31 === 0 && (head[1]! & 0x20) === 0;
  if (!magic) return false;
  try {
    inflateSync(head, head.length < HEAD_BYTES ? {} : PARTIAL);
    return true;
  } catch {
    return false;
  }
}

const PARTIAL = { finishFlush: constants.Z_SYNC_FLUSH };

/** What the first bytes of a compressed file hold; empty where they do not inflate. zstd is not looked into. */
function inflateHead(head: Uint8Array, codec: Codec): Uint8Array {
  try {
    if (codec === 'zlib') return inflateSync(head, PARTIAL);
    if (codec === 'gzip') return inflateRawSync(head.subarray(gzipBody(head)), PARTIAL);
  } catch {
    // Damaged: whoever reads it will say so.
  }
  return new Uint8Array(0);
}

/** Where the deflate stream of a gzip member begins. */
function gzipBody(head: Uint8Array): number {
  const flags = head[3]!;
  let at = 10;
  if (flags & 4) at += 2 + (head[at]! | (head[at + 1]! << 8));
  for (const text of [8, 16]) if (flags & text) at = head.indexOf(0, at) + 1 || head.length;
  return flags & 2 ? at + 2 : at;
}

import { crc32 } from 'node:zlib';
import type { StoredInput } from './stored-input.js';

/** The gzip format, RFC 1952. */
const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;
const RESERVED = 0xe0;
/** A name or comment above this is damage, not a name. */
const LONGEST_TEXT = 64 << 10;

export const FIXED_HEADER = 10;
/** CRC32 and length of the uncompressed bytes. */
export const TRAILER = 8;

/** Whether the first ten bytes of a gzip member stand here, with nothing in them that no gzip writer writes. */
export function looksLikeHeader(bytes: Uint8Array, at: number): boolean {
  const xfl = bytes[at + 8]!;
  const system = bytes[at + 9]!;
  return (
    at + FIXED_HEADER <= bytes.length &&
    isMagic(bytes, at) &&
    (bytes[at + 3]! & RESERVED) === 0 &&
    (xfl === 0 || xfl === 2 || xfl === 4) &&
    (system <= 13 || system === 255)
  );
}

export function isMagic(bytes: Uint8Array, at = 0): boolean {
  return bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8;
}

export type HeaderFault = 'truncated' | 'invalid';

/** Reads the header of a member, and says what is wrong with it. */
export async function readHeader(input: StoredInput): Promise<HeaderFault | undefined> {
  const begin = await input.peek(3);
  if (begin.length < 3)
    return [0x1f, 0x8b, 8].slice(0, begin.length).every((byte, i) => byte === begin[i]) ? 'truncated' : 'invalid';
  if (!isMagic(begin)) return 'invalid';
  const fixed = await input.take(FIXED_HEADER);
  if (fixed === undefined) return 'truncated';
  const flags = fixed[3]!;
  if ((flags & RESERVED) !== 0) return 'invalid';
  let crc = crc32(fixed);
  const take = async (count: number): Promise<Uint8Array | undefined> => {
    const bytes = await input.take(count);
    if (bytes !== undefined) crc = crc32(bytes, crc);
    return bytes;
  };
  if (flags & FEXTRA) {
    const length = await take(2);
    if (length === undefined || (await take(length[0]! | (length[1]! << 8))) === undefined) return 'truncated';
  }
  for (const text of [FNAME, FCOMMENT]) {
    if ((flags & text) === 0) continue;
    const ahead = await input.peek(LONGEST_TEXT);
    const zero = ahead.indexOf(0);
    if (zero < 0) return ahead.length < LONGEST_TEXT ? 'truncated' : 'invalid';
    await take(zero + 1);
  }
  if (flags & FHCRC) {
    const stored = await input.take(2);
    if (stored === undefined) return 'truncated';
    if ((stored[0]! | (stored[1]! << 8)) !== (crc & 0xffff)) return 'invalid';
  }
  return undefined;
}

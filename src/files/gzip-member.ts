import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';

/** TensorFlow's reader takes compressed bytes in pieces of this size. */
const PIECE = 262_144;
/** A member may end on a multiple of PIECE, or from here on behind one: beyond its 8 byte trailer and last code. */
const CLEAR = 16;
/** An extra field of RFC 1952 with one empty subfield: its length, the subfield's id and length. */
const SMALLEST_EXTRA = 6;

const HEADER = 10;
const FLAGS = 3;
const FEXTRA = 4;
/** The subfield's two letters: `sf`. */
const SUBFIELD = 0x6673;

/**
 * A gzip member as zlib makes it, to be written at byte `start` of a file, so that TensorFlow reads what follows it.
 * Its `ZlibInputStream` (2.21 and before) takes a call that yields no bytes for the end of the file when nothing is left
 * to be read; that happens where a member's trailer straddles two pieces and the last piece holds all the rest of the
 * file: records are then lost without an error. A member that would end there gets an extra field in its header, which
 * every gzip reader skips; all others are returned as they are.
 */
export function alignGzipMember(member: Uint8Array, start: number): Uint8Array {
  const behind = (start + member.length) % PIECE;
  if (behind === 0 || behind >= CLEAR) return member;
  const extra = Math.max(SMALLEST_EXTRA, CLEAR - behind);
  const aligned = new Uint8Array(member.length + extra);
  aligned.set(member.subarray(0, HEADER));
  aligned[FLAGS]! |= FEXTRA;
  const view = new DataView(aligned.buffer);
  view.setUint16(HEADER, extra - 2, true);
  view.setUint16(HEADER + 2, SUBFIELD, true);
  view.setUint16(HEADER + 4, extra - SMALLEST_EXTRA, true);
  aligned.set(member.subarray(HEADER), HEADER + extra);
  return aligned;
}

/** The system byte of the header: unknown, so that the bytes do not tell where they were made. */
const SYSTEM = 9;
const UNKNOWN_SYSTEM = 255;

/**
 * One gzip member with no name, time or system in it: its bytes depend on `bytes`, `level` and the version of zlib alone.
 * For worker threads; {@link alignGzipMember} it where it is written behind other members.
 */
export function gzipMember(bytes: Uint8Array, level = -1): Uint8Array {
  return makeAnonymous(gzipSync(bytes, { level }));
}

const gzipLater = promisify<Uint8Array, { level: number }, Buffer>(gzip);

/** {@link gzipMember} on Node's thread pool. */
export async function gzipMemberAsync(bytes: Uint8Array, level = -1): Promise<Uint8Array> {
  return makeAnonymous(await gzipLater(bytes, { level }));
}

/** Takes the system out of the header of a member as zlib makes it, in place. */
export function makeAnonymous<T extends Uint8Array>(member: T): T {
  member[SYSTEM] = UNKNOWN_SYSTEM;
  return member;
}

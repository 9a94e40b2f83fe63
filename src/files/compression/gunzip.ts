import { crc32, createInflateRaw } from 'node:zlib';
import type { ErrorCode } from '../../errors.js';
import type { ByteSource, Gap } from '../../records/byte-source.js';
import { ENGINE_OPTIONS, Engine } from './engine.js';
import { findMember, trailerFits } from './find-member.js';
import { readHeader, TRAILER } from './gzip-header.js';
import type { MemberTable } from './members.js';
import { StoredInput } from './stored-input.js';

/** What is wrong with a compressed stream. */
export interface Damage {
  readonly code: Extract<ErrorCode, 'SHARDFEED_TRUNCATED' | 'SHARDFEED_CORRUPT_STREAM'>;
  readonly reason: string;
  /** Uncompressed bytes that are known to be missing. */
  readonly lostBytes?: number;
}

export interface GunzipOptions {
  /** Stored offset of the first byte of the source, where a member begins. Default 0. */
  start?: number;
  /** Where the members lie. */
  members?: MemberTable;
  /** Reads the stored file from an offset on, to look for the next member behind a damaged one. */
  reopen?: (start: number) => AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
  /** Called where a member begins; all bytes of those before it have been yielded. */
  onMember?: (stored: number) => void;
  /** Called at damage in a member that begins at `stored`; what it throws ends the stream, else a gap follows. */
  onDamage: (damage: Damage, stored: number) => void;
}

const TRUNCATED = 'SHARDFEED_TRUNCATED';
const CORRUPT = 'SHARDFEED_CORRUPT_STREAM';

/**
 * Inflates a gzip file of one or more members, and checks the CRC and length of each. A damaged member ends where the
 * damage shows; the next one is found by the member table, or by a search from the damaged member's start (damage may
 * have led the decoder beyond its end). Zeros behind the last member are padding, anything else is damage.
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>, options: GunzipOptions): ByteSource {
  const { members: table, reopen, signal, onDamage, onMember } = options;
  let input = new StoredInput(source, options.start ?? 0, signal);
  try {
    for (let first = true; first || !(await onlyPadding(input, table)); first = false) {
      const start = input.offset;
      const bounds = table === undefined ? undefined : boundsOf(table, start);
      if (bounds !== undefined) input.end = bounds.end;
      onMember?.(start);
      const damage = yield* inflateMember(input, bounds?.bytes);
      if (damage === undefined) continue;
      onDamage(damage, start);
      const gap = {
        reason: damage.reason,
        storedStart: start,
        atRecord: bounds !== undefined,
        lostBytes: damage.lostBytes,
      };
      if (bounds !== undefined) {
        const storedEnd = await input.drain();
        if (storedEnd === bounds.end) {
          yield { ...gap, storedEnd } satisfies Gap;
          continue;
        }
        // The file ends here: with this member all that follow it in the table are lost.
        const lostBytes = (damage.lostBytes ?? 0) + bounds.bytesBehind;
        yield { ...gap, lostBytes, storedEnd } satisfies Gap;
        return;
      }
      const next = reopen && (await findMember(reopen(start + 1), start + 1, signal));
      if (next === undefined) {
        yield { ...gap, storedEnd: await input.drain() } satisfies Gap;
        return;
      }
      yield { ...gap, storedEnd: next } satisfies Gap;
      await input.close();
      input = new StoredInput(reopen!(next), next, signal);
    }
  } finally {
    await input.close();
  }
}

/** Whether nothing but zeros is left, which tape drives and archivers append. Takes the zeros. */
async function onlyPadding(input: StoredInput, table: MemberTable | undefined): Promise<boolean> {
  input.end = Number.POSITIVE_INFINITY;
  if (table !== undefined && input.offset < table.storedBytes) return false;
  for (;;) {
    const chunk = await input.next();
    if (chunk === undefined) return true;
    const other = chunk.findIndex((byte) => byte !== 0);
    if (other < 0) continue;
    input.unread(chunk, chunk.length - other);
    return false;
  }
}

/** Where the member at a stored offset ends, how many bytes it holds, and how many those behind it hold. */
function boundsOf(table: MemberTable, stored: number): { end: number; bytes: number; bytesBehind: number } | undefined {
  const { members } = table;
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (members[middle]!.stored < stored) low = middle + 1;
    else high = middle;
  }
  const member = members[low];
  if (member?.stored !== stored) return undefined;
  const next = members[low + 1] ?? { stored: table.storedBytes, offset: table.bytes };
  return { end: next.stored, bytes: next.offset - member.offset, bytesBehind: table.bytes - next.offset };
}

/** Yields what one member holds; never more than `expected` bytes, where they are known. */
async function* inflateMember(
  input: StoredInput,
  expected: number | undefined,
): AsyncGenerator<Uint8Array, Damage | undefined> {
  let length = 0;
  const damaged = (code: Damage['code'], reason: string, complete = false): Damage => {
    const lostBytes = expected !== undefined ? expected - length : complete ? 0 : undefined;
    return { code, reason, lostBytes };
  };
  const fault = await readHeader(input);
  if (fault === 'truncated') return damaged(TRUNCATED, 'the gzip stream ends in a header');
  if (fault === 'invalid') return damaged(CORRUPT, 'no gzip member begins here');
  const engine = new Engine(createInflateRaw(ENGINE_OPTIONS));
  let crc = 0;
  try {
    for (let ended = false; !ended; ) {
      const chunk = await input.next();
      if (chunk === undefined) return damaged(TRUNCATED, 'the gzip stream ends inside a member');
      for await (const piece of engine.feed(chunk)) {
        const room = expected === undefined ? piece.length : expected - length;
        if (piece.length > room) {
          if (room > 0) yield piece.subarray(0, room);
          length += room;
          return damaged(CORRUPT, 'a gzip member holds more bytes than its index says');
        }
        crc = crc32(piece, crc);
        length += piece.length;
        yield piece;
      }
      ended = engine.unused > 0;
      if (ended) input.unread(chunk, engine.unused);
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    return damaged(CORRUPT, `the gzip stream is damaged (${error.message})`);
  } finally {
    engine.destroy();
  }
  const trailer = await input.take(TRAILER);
  if (trailer === undefined) return damaged(TRUNCATED, 'the gzip stream ends in a trailer');
  if (!trailerFits(trailer, crc, length))
    return damaged(CORRUPT, 'the checksum of a gzip member does not match', lengthFits(trailer, length));
  if (expected !== undefined && length !== expected)
    return damaged(CORRUPT, 'a gzip member holds fewer bytes than its index says');
  return undefined;
}

/** The right length under a wrong checksum: something in the member is wrong, but nothing is missing. */
function lengthFits(trailer: Uint8Array, length: number): boolean {
  return new DataView(trailer.buffer, trailer.byteOffset, TRAILER).getUint32(4, true) === length >>> 0;
}

/** Whether zlib or zstd says that the data is bad. */
export function isZlibError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && /^(Z_|ZSTD_)/.test(String(error.code));
}

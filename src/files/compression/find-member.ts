import { constants, crc32, inflateRawSync } from 'node:zlib';
import { throwIfAborted } from '../../errors.js';
import { looksLikeHeader, readHeader, TRAILER } from './gzip-header.js';
import { StoredInput } from './stored-input.js';

/** Compressed bytes that are inflated on trial. Of random bytes next to none inflate this far. */
const TRIAL = 16 << 10;
/** A trial that makes more output than this has proved enough. */
const TRIAL_OUTPUT = 1 << 20;

/**
 * Looks for the next gzip member in stored bytes that begin at `from`. A member is accepted if 16 KiB of it inflate, or
 * all of it with the right checksum. Returns its offset, or undefined where there is none up to the end.
 */
export async function findMember(
  source: AsyncIterable<Uint8Array>,
  from: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  let window: Uint8Array = new Uint8Array(0);
  let offset = from;
  const search = async (last: boolean): Promise<number | undefined> => {
    const limit = last ? window.length : window.length - 2 * TRIAL;
    let at = 0;
    for (; at < limit; at++) {
      at = window.indexOf(0x1f, at);
      if (at < 0 || at >= limit) break;
      if (looksLikeHeader(window, at) && (await inflates(window.subarray(at)))) return offset + at;
    }
    const passed = Math.max(0, limit);
    window = window.subarray(passed);
    offset += passed;
    return undefined;
  };
  for await (const chunk of source) {
    throwIfAborted(signal);
    window = window.length === 0 ? chunk : Buffer.concat([window, chunk]);
    const found = await search(false);
    if (found !== undefined) return found;
  }
  return search(true);
}

/** Whether a member begins at the start of these bytes. */
async function inflates(bytes: Uint8Array): Promise<boolean> {
  const input = new StoredInput(once(bytes), 0, undefined);
  if ((await readHeader(input)) !== undefined) return false;
  const body = bytes.subarray(input.offset);
  const trial = body.subarray(0, TRIAL);
  try {
    // Not in Node's types: `info` returns the engine too, which tells how many bytes it took.
    const result = inflateRawSync(trial, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: TRIAL_OUTPUT,
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    const end = result.engine.bytesWritten;
    if (end === trial.length) return body.length > trial.length;
    return (
      body.length >= end + TRAILER &&
      trailerFits(body.subarray(end, end + TRAILER), crc32(result.buffer), result.buffer.length)
    );
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
  }
}

/** Compares a member's last eight bytes with what came out of it. `length` counts modulo 2^32. */
export function trailerFits(trailer: Uint8Array, crc: number, length: number): boolean {
  const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER);
  return view.getUint32(0, true) === crc && view.getUint32(4, true) === length >>> 0;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

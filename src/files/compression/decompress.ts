import { createInflate } from 'node:zlib';
import { ShardfeedError } from '../../errors.js';
import type { ByteSource } from '../../records/byte-source.js';
import { type Codec, zstdDecoder } from './codec.js';
import { detectFormat, HEAD_BYTES } from './detect.js';
import { ENGINE_OPTIONS, Engine } from './engine.js';
import { type Damage, gunzip, isZlibError } from './gunzip.js';
import type { MemberTable } from './members.js';
import { StoredInput } from './stored-input.js';
import { ZstdFrames } from './zstd-frames.js';

export interface DecompressOptions {
  /** Names the file in errors; its end (`.gz`) counts for `'auto'`. */
  path?: string;
  /** `'error'` (default) throws at damage; `'gap'` yields a `Gap` in place of what is lost, and goes on behind it. */
  damage?: 'error' | 'gap';
  /**
   * The stored file from an offset on. With it, `'gap'` finds the next gzip member behind a damaged one without a table.
   */
  reopen?: (start: number) => AsyncIterable<Uint8Array>;
  /** Members of a gzip file, from its index. With it, a gap is exact and ends at a record. */
  members?: MemberTable;
  /** gzip only: called with the stored offset of each member, before its bytes are yielded and after all others were. */
  onMember?: (stored: number) => void;
  /** Stored offset of the source's first byte, where a gzip member begins. Default 0. */
  start?: number;
  signal?: AbortSignal;
}

/**
 * Uncompressed bytes of a stored file. Memory is bounded: output comes in pieces of at most 256 KiB, one made ahead, as
 * the caller takes them. gzip may have several members.
 * @throws SHARDFEED_TRUNCATED, SHARDFEED_CORRUPT_STREAM (also for bytes behind the end); UNSUPPORTED for zstd before Node 22.15
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  codec: Codec | 'auto',
  options: DecompressOptions = {},
): ByteSource {
  if (codec === 'none') return yield* source;
  if (codec === 'auto') {
    const input = new StoredInput(source, options.start ?? 0, options.signal);
    const head = await input.peek(HEAD_BYTES);
    const detected = detectFormat(head, options.path ?? '').codec;
    return yield* decompress(rest(input), detected, options);
  }
  const onDamage = (damage: Damage, stored: number): void => {
    if (options.damage !== 'gap') throw streamError(damage, stored, options.path);
  };
  if (codec === 'gzip') yield* gunzip(source, { ...options, onDamage });
  else yield* decodeFrames(source, codec, options, onDamage);
}

async function* rest(input: StoredInput): AsyncGenerator<Uint8Array> {
  try {
    for (let chunk = await input.next(); chunk !== undefined; chunk = await input.next()) yield chunk;
  } finally {
    await input.close();
  }
}

/** zlib is one stream, zstd one or more frames. Behind damage there is no way on. */
async function* decodeFrames(
  source: AsyncIterable<Uint8Array>,
  codec: 'zlib' | 'zstd',
  options: DecompressOptions,
  onDamage: (damage: Damage, stored: number) => void,
): ByteSource {
  const zstd = new ZstdFrames();
  const watched = codec === 'zstd' ? watch(source, (chunk) => zstd.push(chunk)) : source;
  const input = new StoredInput(watched, options.start ?? 0, options.signal);
  try {
    for (let frames = 0; frames === 0 || (await input.peek(1)).length > 0; frames++) {
      const start = input.offset;
      const damage: Damage | undefined =
        frames > 0 && codec === 'zlib'
          ? { code: 'SHARDFEED_CORRUPT_STREAM', reason: 'bytes follow the end of the zlib stream', lostBytes: 0 }
          : ((yield* decodeFrame(input, codec)) ?? (await truncation(input, zstd)));
      if (damage === undefined) continue;
      onDamage(damage, start);
      const { reason, lostBytes } = damage;
      yield { reason, storedStart: start, storedEnd: await input.drain(), atRecord: false, lostBytes };
      return;
    }
  } finally {
    await input.close();
  }
}

async function truncation(input: StoredInput, zstd: ZstdFrames): Promise<Damage | undefined> {
  const ended = (await input.peek(1)).length === 0;
  return ended && !zstd.complete
    ? { code: 'SHARDFEED_TRUNCATED', reason: 'the zstd stream ends too early' }
    : undefined;
}

async function* watch(source: AsyncIterable<Uint8Array>, see: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    see(chunk);
    yield chunk;
  }
}

async function* decodeFrame(
  input: StoredInput,
  codec: 'zlib' | 'zstd',
): AsyncGenerator<Uint8Array, Damage | undefined> {
  const engine = new Engine(codec === 'zlib' ? createInflate(ENGINE_OPTIONS) : zstdDecoder(ENGINE_OPTIONS));
  try {
    for (;;) {
      const chunk = await input.next();
      yield* chunk === undefined ? engine.finish() : engine.feed(chunk);
      if (chunk === undefined) return undefined;
      if (engine.unused === 0) continue;
      input.unread(chunk, engine.unused);
      return undefined;
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    if (error.code === 'Z_BUF_ERROR')
      return { code: 'SHARDFEED_TRUNCATED', reason: `the ${codec} stream ends too early` };
    return { code: 'SHARDFEED_CORRUPT_STREAM', reason: `the ${codec} stream is damaged (${error.message})` };
  } finally {
    engine.destroy();
  }
}

function streamError({ code, reason }: Damage, stored: number, path: string | undefined): ShardfeedError {
  const where = path === undefined ? '' : `${path}: `;
  return new ShardfeedError(code, `${where}${reason}; it begins at stored byte ${stored}`, { path });
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompress, localFileSystem, openSource } from '../../src/files/index.js';
import { chunked, membersOf, noise, unpack } from './compression-helpers.js';
import { scratchFolder } from './scratch.js';

const scratch = await scratchFolder();
const content = Buffer.concat([noise(70_000, 1), Buffer.alloc(300_000, 'records '), noise(1_000, 2)]);

describe.each([
  ['gzip', gzipSync],
  ['zlib', deflateSync],
] as const)('%s', (codec, compress) => {
  const stored = compress(content);

  test.each([1, 7, 100, 4096, 1 << 20])('chunks of %i bytes', async (chunk) => {
    const size = chunk === 1 ? 2_000 : content.length;
    const bytes = content.subarray(0, size);
    expect((await unpack(compress(bytes), codec, { chunk })).bytes.equals(bytes)).toBe(true);
  });

  test('no content', async () => {
    expect((await unpack(compress(Buffer.alloc(0)), codec)).bytes).toHaveLength(0);
  });

  test.each([0, 1, 5, 9])('level %i', async (level) => {
    expect((await unpack(compress(content, { level }), codec)).bytes.equals(content)).toBe(true);
  });

  test('every truncation of a small file is found', async () => {
    const small = compress(noise(300, 3));
    for (let length = 0; length < small.length; length++) {
      const reading = unpack(small.subarray(0, length), codec, { path: 'small.gz' });
      await expect(reading, `${length} bytes`).rejects.toMatchObject({ code: 'SHARDFEED_TRUNCATED', path: 'small.gz' });
    }
  });

  test('a truncated large file gives its bytes before the error', async () => {
    const pieces: Uint8Array[] = [];
    const reading = (async () => {
      for await (const item of decompress(chunked(stored.subarray(0, -20), 5000), codec))
        pieces.push(item as Uint8Array);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'SHARDFEED_TRUNCATED' });
    expect(Buffer.concat(pieces).length).toBeGreaterThan(100_000);
  });

  test('bytes behind the end', async () => {
    for (const garbage of ['x', 'garbage behind the end', '\0\0x']) {
      const reading = unpack(Buffer.concat([stored, Buffer.from(garbage)]), codec);
      await expect(reading).rejects.toMatchObject({ code: 'SHARDFEED_CORRUPT_STREAM' });
    }
  });

  test('every flipped bit of a small file is found, or changes no byte of content', async () => {
    const bytes = noise(60, 4);
    const small = compress(bytes);
    for (let bit = 0; bit < 8 * small.length; bit++) {
      const flipped = Buffer.from(small);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const result = await unpack(flipped, codec).catch((error: { code: string }) => error.code);
      if (typeof result === 'string') expect(result).toMatch(/^SHARDFEED_(CORRUPT_STREAM|TRUNCATED)$/);
      else expect(result.bytes.equals(bytes), `bit ${bit}`).toBe(true);
    }
  });

  test('random bytes end in a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, real) => {
        const begin = real ? stored.subarray(0, 12) : Buffer.alloc(0);
        const outcome = await unpack(Buffer.concat([begin, bytes]), codec).catch((error) => error);
        expect(outcome).toMatchObject({ code: expect.stringMatching(/^SHARDFEED_(CORRUPT_STREAM|TRUNCATED)$/) });
      }),
      { numRuns: 300 },
    );
  });

  test('a bomb streams in small pieces', async () => {
    const bomb = compress(Buffer.alloc(256 << 20), { level: 9 });
    expect(bomb.length).toBeLessThan(300_000);
    let total = 0;
    for await (const piece of decompress(chunked(bomb, 1 << 20), codec)) {
      total += (piece as Uint8Array).length;
      expect((piece as Uint8Array).length).toBeLessThanOrEqual(256 << 10);
    }
    expect(total).toBe(256 << 20);
  });

  test('can be left early', async () => {
    let closed = false;
    const source = (async function* () {
      try {
        yield* chunked(stored, 1000);
      } finally {
        closed = true;
      }
    })();
    for await (const _ of decompress(source, codec)) break;
    expect(closed).toBe(true);
  });

  test('an abort signal', async () => {
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of decompress(chunked(stored, 1000), codec, { signal: controller.signal })) controller.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
  });

  test('an error of the source passes', async () => {
    const source = (async function* () {
      yield stored.subarray(0, 5000);
      throw new TypeError('broken source');
    })();
    const reading = (async () => {
      for await (const _ of decompress(source, codec));
    })();
    await expect(reading).rejects.toThrow(new TypeError('broken source'));
  });
});

describe('gzip of several members', () => {
  test.each([1, 3, 17, 1000, 1 << 20])('chunks of %i bytes', async (chunk) => {
    const { stored } = membersOf(['one ', '', 'two ', noise(500, 5), 'three']);
    const expected = Buffer.concat([Buffer.from('one two '), noise(500, 5), Buffer.from('three')]);
    expect((await unpack(stored, 'gzip', { chunk })).bytes.equals(expected)).toBe(true);
  });

  test('a thousand members', async () => {
    const contents = Array.from({ length: 1000 }, (_, i) => `record ${i}\n`);
    expect((await unpack(membersOf(contents).stored, 'gzip', { chunk: 4096 })).text).toBe(contents.join(''));
  });

  test('zeros behind the last member are padding', async () => {
    const { stored } = membersOf(['one', 'two']);
    const padded = Buffer.concat([stored, Buffer.alloc(5000)]);
    expect((await unpack(padded, 'gzip', { chunk: 700 })).text).toBe('onetwo');
  });

  test('headers with every optional field', async () => {
    const member = gzipSync('content');
    const crc16 = (bytes: Buffer) => {
      const crc = Buffer.alloc(2);
      crc.writeUInt16LE(zlib.crc32(bytes) & 0xffff);
      return crc;
    };
    const body = member.subarray(10);
    for (let flags = 0; flags < 32; flags++) {
      const header = Buffer.concat([
        Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 2, 3]),
        flags & 4 ? Buffer.from([5, 0, 1, 2, 1, 0, 9]) : Buffer.alloc(0),
        flags & 8 ? Buffer.from('a name\0') : Buffer.alloc(0),
        flags & 16 ? Buffer.from('a comment\0') : Buffer.alloc(0),
      ]);
      const whole = Buffer.concat([header, flags & 2 ? crc16(header) : Buffer.alloc(0), body]);
      for (const chunk of [1, 1000]) expect((await unpack(whole, 'gzip', { chunk })).text).toBe('content');
      if (flags & 2) {
        const wrong = Buffer.from(whole);
        wrong[header.length]! ^= 1;
        await expect(unpack(wrong, 'gzip')).rejects.toMatchObject({ code: 'SHARDFEED_CORRUPT_STREAM' });
      }
    }
  });

  test('reserved flags, another method', async () => {
    for (const [at, value] of [
      [3, 0x20],
      [2, 7],
    ] as const) {
      const member = gzipSync('content');
      member[at] = value;
      await expect(unpack(member, 'gzip')).rejects.toMatchObject({ code: 'SHARDFEED_CORRUPT_STREAM' });
    }
  });

  test('what gzip(1) writes', async () => {
    const folder = join(scratch, 'gzip');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a'), 'first ');
    writeFileSync(join(folder, 'b'), 'second');
    execFileSync('sh', ['-c', 'gzip -c a > both.gz && gzip -9 -c b >> both.gz'], { cwd: folder });
    let text = '';
    for await (const item of openSource({ fs: localFileSystem(), path: join(folder, 'both.gz') })) {
      text += Buffer.from(item as Uint8Array).toString();
    }
    expect(text).toBe('first second');
  });
});

describe('zstd', () => {
  const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer };
  // `printf 'zstd content' | zstd`
  const frame = Buffer.from('28b52ffd04586100007a73746420636f6e74656e7427ff5ff6', 'hex');

  test('is read where Node has it, and refused with its version where not', async () => {
    const reading = unpack(frame, 'zstd').then(
      ({ text }) => text,
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );
    expect(await reading).toMatch(zstdCompressSync ? /^zstd content$/ : /^SHARDFEED_UNSUPPORTED .*22\.15/);
  });

  test('several frames, truncation and damage', async () => {
    const long = zstdCompressSync?.(content) ?? frame;
    const outcome = async (bytes: Buffer) =>
      unpack(bytes, 'zstd', { chunk: 10_000 }).then(
        ({ bytes }) => `${bytes.length}`,
        (error: { code: string }) => error.code,
      );
    const expected = zstdCompressSync
      ? [`${2 * content.length}`, `${content.length + 12}`, 'SHARDFEED_TRUNCATED', 'SHARDFEED_CORRUPT_STREAM']
      : Array(4).fill('SHARDFEED_UNSUPPORTED');
    const flipped = Buffer.from(long);
    flipped[8]! ^= 0xff;
    expect([
      await outcome(Buffer.concat([long, long])),
      await outcome(Buffer.concat([frame, long])),
      await outcome(long.subarray(0, -3)),
      await outcome(flipped),
    ]).toEqual(expected);
  });
});

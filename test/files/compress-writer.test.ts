import { gunzipSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compressWriter, gzipMember, gzipMemberWriter } from '../../src/files/index.js';
import { collector, noise, unpack } from './compression-helpers.js';

const content = Buffer.concat([noise(700_000, 1), Buffer.alloc(400_000, 'records ')]);

async function compress(codec: 'none' | 'gzip' | 'zlib', bytes: Buffer, cuts: readonly number[], level?: number) {
  const target = collector();
  const writer = compressWriter(target, codec, { level });
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    await writer.write(bytes.subarray(at, cut));
    at = cut;
  }
  await writer.close();
  await writer.close();
  expect(writer.storedBytes).toBe(target.bytes().length);
  return target.bytes();
}

describe('one stream', () => {
  const unpackers = { none: (bytes: Buffer) => bytes, gzip: gunzipSync, zlib: inflateSync };
  test.each(['none', 'gzip', 'zlib'] as const)('%s', async (codec) => {
    for (const bytes of [content, Buffer.alloc(0), Buffer.from('x')]) {
      const stored = await compress(
        codec,
        bytes,
        [1, 5000, 300_000].filter((cut) => cut < bytes.length),
      );
      expect(unpackers[codec](stored).equals(bytes)).toBe(true);
    }
  });

  test.each(['gzip', 'zlib'] as const)(
    '%s: the bytes do not depend on how the content was cut into writes',
    async (codec) => {
      const whole = await compress(codec, content, []);
      const cuts = fc.uniqueArray(fc.nat(content.length), { maxLength: 20 }).map((all) => all.sort((a, b) => a - b));
      await fc.assert(
        fc.asyncProperty(cuts, async (cuts) => {
          expect((await compress(codec, content, cuts)).equals(whole)).toBe(true);
        }),
        { numRuns: 15 },
      );
    },
  );

  test('a gzip header holds no time, name or system', async () => {
    const stored = await compress('gzip', content, []);
    expect([...stored.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  });

  test('levels', async () => {
    const sizes = await Promise.all(
      [0, 1, 9].map(async (level) => (await compress('gzip', content, [], level)).length),
    );
    expect(sizes[0]).toBeGreaterThan(content.length);
    expect(sizes[2]).toBeLessThan(sizes[0]!);
    for (const level of [-2, 10, 1.5, Number.NaN]) {
      expect(() => compressWriter(collector(), 'gzip', { level })).toThrow(
        expect.objectContaining({ code: 'SHARDFEED_USAGE' }),
      );
    }
  });

  test('zstd is not written', () => {
    expect(() => compressWriter(collector(), 'zstd')).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_UNSUPPORTED' }),
    );
  });

  test('a failing target fails the write or the close', async () => {
    const full = { write: () => Promise.reject(new Error('disk full')), close: async () => {}, abort: async () => {} };
    for (const writer of [compressWriter(full, 'gzip'), gzipMemberWriter(full)]) {
      const writing = (async () => {
        await writer.write(content);
        await writer.close();
      })();
      await expect(writing).rejects.toThrow('disk full');
      await writer.abort();
    }
  });
});

describe('members', () => {
  async function write(pieces: readonly Buffer[]) {
    const target = collector();
    const writer = gzipMemberWriter(target);
    for (const piece of pieces) {
      await writer.write(piece);
      await writer.cutMember();
    }
    await writer.close();
    await writer.close();
    expect(writer.storedBytes).toBe(target.bytes().length);
    return { stored: target.bytes(), members: writer.members };
  }

  test('each can be read alone, from the offset on record', async () => {
    const pieces = Array.from({ length: 20 }, (_, i) => noise(10_000 + 3_000 * i, i));
    const { stored, members } = await write(pieces);
    expect(members).toHaveLength(20);
    let offset = 0;
    for (const [i, member] of members.entries()) {
      expect(member.offset).toBe(offset);
      const end = members[i + 1]?.stored ?? stored.length;
      expect(gunzipSync(stored.subarray(member.stored, end)).equals(pieces[i]!)).toBe(true);
      offset += pieces[i]!.length;
    }
    expect(gunzipSync(stored).equals(Buffer.concat(pieces))).toBe(true);
    expect((await unpack(stored, 'gzip')).bytes.equals(Buffer.concat(pieces))).toBe(true);
  });

  test('an empty member is not cut, but an empty file has one', async () => {
    expect((await write([Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(0)])).members).toHaveLength(1);
    const empty = await write([]);
    expect(empty.members).toEqual([{ stored: 0, offset: 0 }]);
    expect(gunzipSync(empty.stored)).toHaveLength(0);
  });

  test('a member is what the pure function makes', async () => {
    const { stored } = await write([content]);
    expect(stored.equals(gzipMember(content))).toBe(true);
    expect(gunzipSync(gzipMember(content, 1)).equals(content)).toBe(true);
  });

  test('what is written does not depend on how the content was cut into writes', async () => {
    const target = collector();
    const writer = gzipMemberWriter(target);
    for (let at = 0; at < content.length; at += 999) await writer.write(content.subarray(at, at + 999));
    await writer.close();
    expect(target.bytes().equals(Buffer.from(gzipMember(content)))).toBe(true);
  });

  test.each([
    ['an array', (size: number) => new Uint8Array(size)],
    ['a Buffer', (size: number) => Buffer.alloc(size)],
  ])('the memory of %s may be used again once it is written', async (_, allocate) => {
    const target = collector();
    const writer = gzipMemberWriter(target);
    const memory = allocate(1000);
    for (let i = 0; i < 50; i++) await writer.write(memory.fill(i));
    await writer.close();
    const expected = Buffer.concat(Array.from({ length: 50 }, (_, i) => Buffer.alloc(1000, i)));
    expect(gunzipSync(target.bytes()).equals(expected)).toBe(true);
  });

  test('abort gives the target up', async () => {
    let aborted = 0;
    const writer = gzipMemberWriter({ ...collector(), abort: async () => void aborted++ });
    await writer.write(content);
    await writer.cutMember();
    await writer.abort();
    expect(aborted).toBe(1);
  });
});

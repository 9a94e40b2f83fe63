import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompress, memoryFileSystem, openSource } from '../../src/files/index.js';
import { chunked, type Members, membersOf, noise, tableOf, unpack } from './compression-helpers.js';

const contents = Array.from({ length: 8 }, (_, i) => noise(3000 + 500 * i, i + 1));
const whole = membersOf(contents);

/** The members whose content came out whole. */
function survivors(bytes: Buffer, { contents }: Members): number[] {
  return contents.flatMap((content, i) => (bytes.includes(content) ? [i] : []));
}

function damaged(bytes: Buffer, at: number, mask = 0xff): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= mask;
  return copy;
}

function reopening(stored: Buffer) {
  return { damage: 'gap' as const, reopen: (start: number) => chunked(stored.subarray(start), 1000) };
}

describe.each([
  ['with a member table', true],
  ['without one', false],
])('%s', (_, hasTable) => {
  const options = (stored: Buffer) => ({
    ...reopening(stored),
    ...(hasTable ? { members: tableOf(whole) } : {}),
  });

  test.each([
    ['its magic', (start: number) => start],
    ['its flags', (start: number) => start + 3],
    ['its first byte of content', (start: number) => start + 10],
    ['its middle', (start: number, end: number) => (start + end) >> 1],
    ['its checksum', (_: number, end: number) => end - 8],
    ['its length', (_: number, end: number) => end - 1],
  ])('a member damaged in %s is the only one lost', async (_, place) => {
    for (let i = 0; i < whole.starts.length; i++) {
      const start = whole.starts[i]!;
      const end = whole.starts[i + 1] ?? whole.stored.length;
      const stored = damaged(whole.stored, place(start, end));
      const { bytes, gaps } = await unpack(stored, 'gzip', options(stored));
      expect(gaps).toHaveLength(1);
      expect(gaps[0]).toMatchObject({ storedStart: start, storedEnd: end, atRecord: hasTable });
      const others = contents.flatMap((_, k) => (k === i ? [] : [k]));
      expect(survivors(bytes, whole)).toEqual(expect.arrayContaining(others));
    }
  });

  test('a file that ends anywhere loses what lies behind, and reports it once', async () => {
    const bytesTo = (end: number): number => contents.slice(0, end).reduce((n, content) => n + content.length, 0);
    for (const end of [
      ...whole.starts.slice(1),
      whole.starts[3]! + 5,
      whole.starts[4]! + 400,
      whole.stored.length - 3,
    ]) {
      const { bytes, gaps } = await unpack(
        whole.stored.subarray(0, end),
        'gzip',
        options(whole.stored.subarray(0, end)),
      );
      const kept = whole.starts.filter((_, i) => (whole.starts[i + 1] ?? whole.stored.length) <= end).length;
      expect(survivors(bytes, whole).slice(0, kept)).toHaveLength(kept);
      const atMember = whole.starts.includes(end);
      // Without a table nothing tells that members are missing behind a whole one.
      expect(gaps).toHaveLength(!hasTable && atMember ? 0 : 1);
      if (hasTable) expect(bytes.length + gaps[0]!.lostBytes!).toBe(bytesTo(contents.length));
    }
  });

  test('damage anywhere costs one member at most, and is always reported', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.stored.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const stored = damaged(whole.stored, at, mask);
        const { bytes, gaps } = await unpack(stored, 'gzip', options(stored));
        const missing = contents.length - survivors(bytes, whole).length;
        expect(missing).toBeLessThanOrEqual(1);
        expect(gaps.length).toBeGreaterThanOrEqual(missing);
      }),
      { numRuns: 150 },
    );
  });

  test('several damaged members, also neighbours', async () => {
    const stored = [1, 2, 5].reduce((bytes, i) => damaged(bytes, whole.starts[i]! + 200), whole.stored);
    const { bytes, gaps } = await unpack(stored, 'gzip', options(stored));
    expect(survivors(bytes, whole)).toEqual([0, 3, 4, 6, 7]);
    expect(gaps.at(-1)).toMatchObject({ storedStart: whole.starts[5], storedEnd: whole.starts[6] });
  });

  test('a truncated file', async () => {
    const stored = whole.stored.subarray(0, whole.starts[6]! + 100);
    const { bytes, gaps } = await unpack(stored, 'gzip', options(stored));
    expect(survivors(bytes, whole)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(gaps.at(-1)).toMatchObject({ storedEnd: stored.length, reason: expect.stringContaining('ends') });
  });

  test('bytes that were cut out', async () => {
    const cut = whole.starts[3]! + 500;
    const stored = Buffer.concat([whole.stored.subarray(0, cut), whole.stored.subarray(cut + 300)]);
    const { bytes, gaps } = await unpack(stored, 'gzip', options(stored));
    expect(gaps.length).toBeGreaterThanOrEqual(1);
    expect(survivors(bytes, whole)).toEqual(expect.arrayContaining(hasTable ? [0, 1, 2] : [0, 1, 2, 4, 5, 6, 7]));
  });
});

test('a gap says how many bytes are lost where the table knows', async () => {
  const stored = damaged(whole.stored, whole.starts[4]! + 1000);
  const { bytes, gaps } = await unpack(stored, 'gzip', { damage: 'gap', members: tableOf(whole) });
  const total = contents.reduce((sum, content) => sum + content.length, 0);
  expect(bytes.length + gaps[0]!.lostBytes!).toBe(total);
});

test('a wrong checksum over the right length loses nothing, and is reported', async () => {
  const stored = damaged(whole.stored, whole.starts[3]! - 8);
  const { bytes, gaps } = await unpack(stored, 'gzip', reopening(stored));
  expect(survivors(bytes, whole)).toHaveLength(8);
  expect(gaps).toMatchObject([{ lostBytes: 0 }]);
});

test('without a table and without a way to search, the rest is lost', async () => {
  const stored = damaged(whole.stored, whole.starts[2]! + 100);
  const { bytes, gaps } = await unpack(stored, 'gzip', { damage: 'gap' });
  expect(survivors(bytes, whole)).toEqual([0, 1]);
  expect(gaps).toMatchObject([{ storedStart: whole.starts[2], storedEnd: stored.length }]);
});

test('garbage between members and behind them', async () => {
  const [a, b] = [membersOf(['first']).stored, membersOf(['second']).stored];
  // The garbage holds what looks like a header.
  const garbage = Buffer.concat([Buffer.from('garbage \x1f\x8b\x08\0\0\0\0\0\0\x03', 'latin1'), noise(40_000, 9)]);
  const stored = Buffer.concat([a, garbage, b, garbage]);
  const { text, gaps } = await unpack(stored, 'gzip', reopening(stored));
  expect(text).toBe('first|second|');
  expect(gaps).toMatchObject([
    { storedStart: a.length, storedEnd: a.length + garbage.length },
    { storedStart: stored.length - garbage.length, storedEnd: stored.length },
  ]);
});

test('a file full of false headers takes no time', async () => {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff]);
  const stored = Buffer.concat(Array<Buffer>(5_000).fill(header));
  const { text, gaps } = await unpack(stored, 'gzip', reopening(stored));
  expect(text).toBe('|');
  expect(gaps).toMatchObject([{ storedStart: 0, storedEnd: stored.length }]);
});

test('members larger than what is tried', async () => {
  const big = membersOf([noise(300_000, 1), noise(300_000, 2), noise(300_000, 3)]);
  const stored = damaged(big.stored, big.starts[1]! + 50_000);
  const { bytes, gaps } = await unpack(stored, 'gzip', reopening(stored));
  expect(survivors(bytes, big)).toEqual([0, 2]);
  expect(gaps).toMatchObject([{ storedStart: big.starts[1], storedEnd: big.starts[2] }]);
  expect(bytes.length).toBeGreaterThan(640_000);
});

test('a zlib stream is lost from the damage on', async () => {
  const stored = damaged(deflateSync(Buffer.concat(contents)), 9000);
  const { bytes, gaps } = await unpack(stored, 'zlib', reopening(stored));
  expect(bytes.subarray(0, 5000).equals(Buffer.concat(contents).subarray(0, 5000))).toBe(true);
  expect(gaps).toMatchObject([{ storedStart: 0, storedEnd: stored.length, atRecord: false }]);
});

test('a file can be entered at a member', async () => {
  const fs = memoryFileSystem();
  const writer = await fs.create('/part.gz');
  await writer.write(damaged(whole.stored, whole.starts[5]! + 100));
  await writer.close();
  const gaps: unknown[] = [];
  const pieces: Uint8Array[] = [];
  const start = whole.starts[4]!;
  for await (const item of openSource({ fs, path: '/part.gz' }, { start, codec: 'gzip', damage: 'gap' })) {
    if (item instanceof Uint8Array) pieces.push(item);
    else gaps.push(item);
  }
  expect(survivors(Buffer.concat(pieces), whole)).toEqual([4, 6, 7]);
  expect(gaps).toMatchObject([{ storedStart: whole.starts[5], storedEnd: whole.starts[6] }]);
  const strict = (async () => {
    for await (const _ of openSource({ fs, path: '/part.gz' }, { start, codec: 'gzip' }));
  })();
  await expect(strict).rejects.toMatchObject({ code: 'SHARDFEED_CORRUPT_STREAM', path: '/part.gz' });
  await expect(strict).rejects.toThrow(`stored byte ${whole.starts[5]}`);
});

test('an error of the file system is no damage', async () => {
  const stored = damaged(whole.stored, whole.starts[2]! + 100);
  const reading = (async () => {
    const reopen = () => {
      throw new TypeError('the disk is gone');
    };
    for await (const _ of decompress(chunked(stored, 100), 'gzip', { damage: 'gap', reopen }));
  })();
  await expect(reading).rejects.toThrow('the disk is gone');
});

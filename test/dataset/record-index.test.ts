import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PartDigest } from '../../src/dataset/part-digest.js';
import {
  checkIndex,
  decodeIndex,
  decodeIndexHeader,
  encodeIndex,
  INDEX_HEADER_BYTES,
  type IndexInput,
  RecordIndex,
  tfrecord2idx,
} from '../../src/dataset/record-index.js';
import { ShardfeedError } from '../../src/errors.js';
import { crc32c } from '../../src/records/index.js';

const digest = new PartDigest().digest();
const sizeOf = (lengths: readonly number[]): number => lengths.reduce((n, length) => n + length + 16, 0);
const plain = (lengths: readonly number[]): IndexInput => ({
  lengths: Uint32Array.from(lengths),
  bytes: sizeOf(lengths),
  digest,
  compression: 'none',
});

const lengthLists = fc.oneof(
  fc.array(fc.constant(77), { maxLength: 300 }),
  fc.array(fc.integer({ min: 1000, max: 1255 }), { maxLength: 300 }),
  fc.array(fc.integer({ min: 0, max: 65535 }), { maxLength: 300 }),
  fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { maxLength: 300 }),
);

test('an index survives its bytes, and knows where every record lies', () => {
  fc.assert(
    fc.property(lengthLists, (lengths) => {
      const bytes = encodeIndex(plain(lengths));
      const index = decodeIndex(bytes, 'i');
      expect(Array.from(index.lengths)).toEqual(lengths);
      expect(index).toMatchObject({ count: lengths.length, bytes: sizeOf(lengths), digest, compression: 'none' });
      let offset = 0;
      lengths.forEach((length, i) => {
        expect(index.offsetOf(i)).toBe(offset);
        offset += length + 16;
      });
      expect(index.offsetOf(lengths.length)).toBe(offset);
      expect(decodeIndexHeader(bytes.subarray(0, INDEX_HEADER_BYTES), 'i').records).toBe(lengths.length);
    }),
  );
});

test('the lengths of many records are expanded as those of few are', () => {
  for (const [count, range] of [
    [20_000, 1],
    [2 ** 20 + 300, 200],
    [40_000, 60_000],
    [40_000, 2 ** 31],
  ] as const) {
    const lengths = Uint32Array.from({ length: count }, (_, i) => 5 + ((i * 2654435761) % range));
    const index = decodeIndex(encodeIndex(plain([...lengths])), 'i');
    expect(Buffer.from(index.lengths.buffer).equals(Buffer.from(lengths.buffer))).toBe(true);
    const known = new RecordIndex(plain([...lengths]));
    expect(index.bytes).toBe(known.bytes);
    for (let i = 0; i < count; i += 61) expect(index.offsetOf(i)).toBe(known.offsetOf(i));
  }
});

test('lengths that are close to each other take little room', () => {
  const size = (lengths: number[]): number => encodeIndex(plain(lengths)).length - INDEX_HEADER_BYTES - 4;
  expect(size(new Array(1000).fill(300))).toBe(0);
  expect(size(Array.from({ length: 1000 }, (_, i) => 300 + (i % 256)))).toBe(1000);
  expect(size(Array.from({ length: 1000 }, (_, i) => 300 + (i % 257)))).toBe(2000);
  expect(size(Array.from({ length: 1000 }, (_, i) => i * 100))).toBe(4000);
});

test('the member table of a gzip file survives', () => {
  const members = [
    { stored: 0, offset: 0 },
    { stored: 60, offset: 52 },
    { stored: 90, offset: 95 },
  ];
  const input = { ...plain([10, 10, 27]), bytes: 120, compression: 'gzip' as const, members };
  const index = decodeIndex(encodeIndex(input), 'i');
  expect(index.memberTable).toEqual({ members, storedBytes: 120, bytes: 95 });
  expect(new RecordIndex(plain([1])).memberTable).toBeUndefined();
  const wrong = [
    [{ stored: 1, offset: 0 }],
    [members[0]!, { stored: 60, offset: 50 }],
    [members[0]!, members[2]!, members[1]!],
  ];
  for (const table of wrong) {
    expect(() => decodeIndex(encodeIndex({ ...input, members: table }), 'i')).toThrow(ShardfeedError);
  }
});

test('a flipped bit anywhere, and every truncation, is refused', () => {
  const bytes = encodeIndex({
    ...plain([5, 300, 7, 7]),
    bytes: 200,
    compression: 'gzip',
    members: [{ stored: 0, offset: 0 }],
  });
  const refuse = (changed: Uint8Array): void => {
    try {
      decodeIndex(changed, 'd/_index/p.idx');
    } catch (error) {
      expect(error).toBeInstanceOf(ShardfeedError);
      expect(['SHARDFEED_MANIFEST', 'SHARDFEED_UNSUPPORTED']).toContain((error as ShardfeedError).code);
      expect((error as ShardfeedError).path).toBe('d/_index/p.idx');
      return;
    }
    throw new Error('was not refused');
  };
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    refuse(changed);
  }
  for (let length = 0; length < bytes.length; length++) refuse(bytes.slice(0, length));
  refuse(Uint8Array.from([...bytes, 0]));
});

test('an index that lies under good checksums ends in a typed error or in an index that holds together', () => {
  const original = encodeIndex({
    ...plain([5, 300, 7, 7]),
    bytes: 200,
    compression: 'gzip',
    members: [{ stored: 0, offset: 0 }],
  });
  const fields = [12, 16, 20, 24, 32, 72, 76, 80, 88, 96, 104, 108];
  const value = fc.oneof(
    fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff),
    fc.integer({ min: 0, max: 0xffffffff }),
  );
  const edits = fc.array(fc.tuple(fc.constantFrom(...fields), value), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(edits, fc.integer({ min: -8, max: 8 }), (list, growth) => {
      const bytes = new Uint8Array(original.length + growth);
      bytes.set(original.subarray(0, bytes.length));
      const view = new DataView(bytes.buffer);
      for (const [at, number] of list) if (at + 4 <= bytes.length) view.setUint32(at, number, true);
      view.setUint32(84, crc32c(bytes.subarray(0, 84)), true);
      view.setUint32(bytes.length - 4, crc32c(bytes.subarray(0, bytes.length - 4)), true);
      try {
        const index = decodeIndex(bytes, 'i');
        expect(index.offsetOf(index.count)).toBe(index.bytes);
        for (const { offset } of index.members) expect(index.startsAt(offset)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(ShardfeedError);
      }
    }),
    { numRuns: 1000 },
  );
});

test('a tiny index cannot claim more records than it may imply', () => {
  const bytes = encodeIndex(plain([7, 7]));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(16, 2n ** 40n, true);
  view.setBigUint64(24, 2n ** 40n * 23n, true);
  view.setBigUint64(32, 2n ** 40n * 23n, true);
  view.setUint32(84, crc32c(bytes.subarray(0, 84)), true);
  view.setUint32(bytes.length - 4, crc32c(bytes.subarray(0, bytes.length - 4)), true);
  expect(() => decodeIndex(bytes, 'i')).toThrow(expect.objectContaining({ code: 'SHARDFEED_MANIFEST' }));
});

test('an index of another file is stale', () => {
  const index = new RecordIndex(plain([1, 2]));
  expect(() => checkIndex(index, { bytes: 35, digest }, 'i')).not.toThrow();
  expect(() => checkIndex(index, { bytes: 35 }, 'i')).not.toThrow();
  for (const part of [{ bytes: 36 }, { bytes: 35, digest: 'f'.repeat(64) }]) {
    expect(() => checkIndex(index, part, 'i')).toThrow(expect.objectContaining({ code: 'SHARDFEED_STALE', path: 'i' }));
  }
});

test('tfrecord2idx text is what DALI reads: offset and size with framing', () => {
  expect([...tfrecord2idx(new RecordIndex(plain([10, 0, 3])))].join('')).toBe('0 26\n26 16\n42 19\n');
  const many = [...tfrecord2idx(new RecordIndex(plain(new Array(50_000).fill(1))))];
  expect(many.length).toBeGreaterThan(1);
  expect(many.join('').split('\n')).toHaveLength(50_001);
  const gzip = new RecordIndex({ ...plain([1]), compression: 'gzip' });
  expect(() => [...tfrecord2idx(gzip)]).toThrow(expect.objectContaining({ code: 'SHARDFEED_UNSUPPORTED' }));
});

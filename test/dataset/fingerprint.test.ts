import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { fingerprintOf } from '../../src/dataset/fingerprint.js';
import { PartDigest } from '../../src/dataset/part-digest.js';
import { crc32c, frameRecords, readBlocks } from '../../src/records/index.js';
import { text } from './column-builders.js';

async function digestOf(file: Uint8Array, chunk: number): Promise<PartDigest> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < file.length; at += chunk) yield file.subarray(at, at + chunk);
  }
  const digest = new PartDigest();
  for await (const block of readBlocks(chunks(), { blockRecords: 3 })) digest.updateBlock(block);
  return digest;
}

const records = ['a', '', 'some more', 'x'.repeat(500)].map(text);

test('a digest is SHA-256 over length and CRC of each record, however the bytes come', async () => {
  const meta = new Uint32Array(records.flatMap((record) => [record.length, crc32c(record)]));
  const whole = new PartDigest();
  whole.update(meta);
  const expected = createHash('sha256').update(new Uint8Array(meta.buffer)).digest('hex');
  expect(whole.records).toBe(4);
  expect(whole.digest()).toBe(expected);
  for (const chunk of [1, 7, 10_000]) expect((await digestOf(frameRecords(records), chunk)).digest()).toBe(expected);
});

test('the fingerprint of a known dataset never changes', async () => {
  const parts = [
    { path: 'part-r-00000', records: 4, digest: (await digestOf(frameRecords(records), 64)).digest() },
    { path: 'part-r-00001', records: 0, digest: new PartDigest().digest() },
  ];
  expect(parts.map((part) => part.digest)).toEqual([
    'b45b7331577ab151890f197dc924cd40cb4a1140b32007d3c2d4b2ab83e9cdd5',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ]);
  expect(fingerprintOf(parts)).toBe('f310161c62ae493e8b28beb9ef562639bb73a5249f9b1248f794e32618b0511f');
  expect(fingerprintOf([...parts].reverse())).toBe(fingerprintOf(parts));
  expect(fingerprintOf(parts.slice(0, 1))).toBe('2312f168a00361d26b32c70e0135f6354f988081498f6f6cb75ac9d032fd6468');
});

test('parts are ordered by the UTF-8 bytes of their paths, and each fact about a part matters', () => {
  const digest = new PartDigest().digest();
  // In UTF-16 the emoji sorts before U+FF5E, in UTF-8 behind it.
  const paths = ['～', '\u{1F600}', 'b', 'a/é'];
  const parts = paths.map((path, records) => ({ path, records, digest }));
  const hash = createHash('sha256');
  for (const path of ['a/é', 'b', '～', '\u{1F600}']) {
    const name = Buffer.from(path);
    const numbers = Buffer.alloc(12);
    numbers.writeUInt32LE(name.length, 0);
    numbers.writeBigUInt64LE(BigInt(paths.indexOf(path)), 4);
    hash.update(Buffer.concat([numbers.subarray(0, 4), name, numbers.subarray(4), Buffer.from(digest, 'hex')]));
  }
  const fingerprint = fingerprintOf(parts);
  expect(fingerprint).toBe(hash.digest('hex'));
  const changes = [{ path: 'c' }, { records: 9 }, { digest: 'f'.repeat(64) }];
  for (const change of changes) {
    expect(fingerprintOf(parts.map((part, i) => (i === 2 ? { ...part, ...change } : part)))).not.toBe(fingerprint);
  }
});

import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { detectFormat, HEAD_BYTES } from '../../src/files/index.js';
import { maskedCrc32c } from '../../src/records/crc32c.js';
import { noise } from './compression-helpers.js';

/** A framed record with a payload of zeros. */
function record(length: number): Buffer {
  const bytes = Buffer.alloc(length + 16);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(maskedCrc32c(bytes.subarray(0, 8)), 8);
  return bytes;
}

const head = (bytes: Buffer) => bytes.subarray(0, HEAD_BYTES);
const text = Buffer.from('name,age\nAda,36\n'.repeat(200));

describe('detectFormat', () => {
  test.each([
    ['a record, whatever the name', record(100), 'x.csv.gz', 'none', 'tfrecord'],
    ['a record whose length looks like gzip', record(0x88b1f), 'part-r-00000', 'none', 'tfrecord'],
    ['a record whose length looks like zlib', record(0x9c78), 'x', 'none', 'tfrecord'],
    ['a lone header', record(50).subarray(0, 12), 'x', 'none', 'tfrecord'],
    ['gzip of records', gzipSync(record(100)), 'x', 'gzip', 'tfrecord'],
    ['zlib of records', deflateSync(record(100)), 'x', 'zlib', 'tfrecord'],
    ['zlib of no content', deflateSync(Buffer.alloc(0)), 'x', 'zlib', undefined],
    ['zlib, level 1', deflateSync(noise(5000, 1), { level: 1 }), 'x', 'zlib', undefined],
    ['zlib, level 9', deflateSync(noise(5000, 1), { level: 9 }), 'x', 'zlib', undefined],
    ['gzip of text, named so', gzipSync(text), 'x.csv', 'gzip', 'csv'],
    ['gzip of text, nameless', gzipSync(text), 'x', 'gzip', undefined],
    ['text', text, 'x.csv', 'none', 'csv'],
    ['text that begins like zlib', Buffer.from('x^2,y\n1,2\n'), 'x', 'none', undefined],
    ['long text that begins like zlib', Buffer.from(`x^2,y\n${text}`), 'x.csv', 'none', 'csv'],
    ['zstd', Buffer.from('28b52ffd04586100007a73', 'hex'), 'x.csv', 'zstd', 'csv'],
    ['an empty file', Buffer.alloc(0), 'part-r-00000', 'none', 'tfrecord'],
    ['an empty file that says gzip', Buffer.alloc(0), 'part-r-00000.gz', 'gzip', 'tfrecord'],
    ['damage that says gzip', noise(100, 1), 'a.tfrecord.gz', 'gzip', 'tfrecord'],
    ['damage that says zlib', noise(100, 1), 'part-r-00000.deflate', 'zlib', 'tfrecord'],
    ['damage that says zstd', noise(100, 1), 'x.tsv.ZST', 'zstd', 'csv'],
    ['damage that says nothing', noise(100, 1), '/a.gz/x', 'none', undefined],
    ['a truncated gzip header', Buffer.from([0x1f, 0x8b, 8, 4, 0]), 'x', 'gzip', undefined],
  ] as const)('%s', (_, bytes, name, codec, content) => {
    expect(detectFormat(head(bytes as Buffer), name)).toEqual({ codec, content });
  });

  test('gzip with a name in its header', () => {
    const plain = gzipSync(record(100));
    const named = Buffer.concat([
      plain.subarray(0, 3),
      Buffer.from([8]),
      plain.subarray(4, 10),
      Buffer.from('name\0'),
      plain.subarray(10),
    ]);
    expect(detectFormat(head(named), 'x')).toEqual({ codec: 'gzip', content: 'tfrecord' });
  });
});

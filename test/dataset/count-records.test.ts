import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { countRecords } from '../../src/dataset/count-records.js';
import { indexDataset } from '../../src/dataset/index-dataset.js';
import { PartDigest } from '../../src/dataset/part-digest.js';
import { decodeIndex } from '../../src/dataset/record-index.js';
import { scanPart } from '../../src/dataset/scan-part.js';
import { localFileSystem, openFiles } from '../../src/files/index.js';
import { frameRecords, readBlocks } from '../../src/records/index.js';
import { countingFileSystem } from '../support/counting-file-system.js';
import { examples, failure, memory, readFile, writeDataset, writeFile } from './dataset-builders.js';

const parts = [
  { name: 'part-r-00000', payloads: examples(0, 700) },
  { name: 'part-r-00001', payloads: [] },
  { name: 'part-r-00002.gz', payloads: examples(700, 1000), codec: 'gzip' as const },
  { name: 'part-r-00003.deflate', payloads: examples(1000, 1003), codec: 'zlib' as const },
];

test('a manifest, an index and a scan count the same', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/all', { parts, index: true, manifest: true });
  await writeDataset(fs, '/indexed', { parts, index: true });
  await writeDataset(fs, '/plain', { parts });
  for (const [folder, from] of [
    ['all', 'manifest'],
    ['indexed', 'index'],
    ['plain', 'scan'],
  ]) {
    const count = await countRecords(`memory:///${folder}`, { files });
    expect(count.records).toBe(1003);
    expect(count.parts.map((part) => [part.records, part.from])).toEqual([700, 0, 300, 3].map((n) => [n, from]));
  }
  const scanned = await countRecords('memory:///all', { files, scan: true });
  expect(scanned.parts.map((part) => part.from)).toEqual(['scan', 'scan', 'scan', 'scan']);
  expect(scanned.records).toBe(1003);
});

test('with a manifest or an index no part is read', async () => {
  const { fs } = memory();
  await writeDataset(fs, '/all', { parts, index: true, manifest: true });
  await writeDataset(fs, '/indexed', { parts, index: true });
  const seen = countingFileSystem(fs);
  const files = openFiles({ drivers: { memory: seen.fs } });
  await countRecords('memory:///all', { files });
  expect([...seen.counts.files.keys()]).toEqual(['/all/_manifest.json']);
  seen.counts.reset();
  await countRecords('memory:///indexed', { files });
  expect(seen.counts.reads.filter(({ bytes }) => bytes > 0)).toEqual(
    parts.map(({ name }) => ({ path: `/indexed/_index/${name}.idx`, start: 0, bytes: 88 })),
  );
});

test.each(['memory', 'file'])('of large records only the framing is read (%s)', async (scheme) => {
  const folder = scheme === 'file' ? await mkdtemp(join(tmpdir(), 'shardfeed-test-')) : '/d';
  if (scheme === 'file') onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const fs = scheme === 'file' ? localFileSystem() : memory().fs;
  const sizes = [3 << 20, 10, 20, 2 << 20, 4 << 20, 4 << 20, 7];
  const payloads = sizes.map((size, i) => new Uint8Array(size).fill(i));
  await writeDataset(fs, `${folder}/x`, { parts: [{ name: 'large', payloads }] });
  const seen = countingFileSystem(fs);
  const path = `${folder}/x/large`;
  const scan = await scanPart({ fs: seen.fs, path, bytes: (await fs.stat(path)).size });
  expect(Array.from(scan.lengths)).toEqual(sizes);
  expect(seen.counts.bytes).toBeLessThan(sizes.reduce((a, b) => a + b) / 4);
});

test('a scan gives the digest of the records, and finds the gzip members that can be entered', async () => {
  const { fs } = memory();
  const payloads = examples(0, 500);
  const manifest = await writeDataset(fs, '/d', {
    parts: [
      { name: 'cut.gz', payloads, codec: 'gzip', memberRecords: 150 },
      { name: 'plain', payloads },
      { name: 'whole.gz', payloads, codec: 'gzip' },
    ],
    index: true,
  });
  for (const { path, bytes, digest, compression } of manifest.parts) {
    const scan = await scanPart({ fs, path: `/d/${path}`, bytes });
    expect(scan).toMatchObject({ digest, compression, records: 500, bytes });
    const index = decodeIndex(await readFile(fs, `/d/_index/${path}.idx`), path);
    expect(scan.members).toEqual(index.members);
    expect(scan.lengths).toEqual(index.lengths);
  }
  const digest = new PartDigest();
  for await (const block of readBlocks(fs.read('/d/plain'))) digest.updateBlock(block);
  expect(digest.digest()).toBe(manifest.parts[1]!.digest);
});

test('a file that ends inside a record is truncated, wherever it ends', async () => {
  const { fs, files } = memory();
  const payloads = examples(0, 4);
  const bytes = frameRecords(payloads);
  const ends = new Set([0]);
  for (const { length } of payloads) ends.add(Math.max(...ends) + length + 16);
  for (let length = 0; length < bytes.length; length++) {
    await writeFile(fs, '/f', bytes.subarray(0, length));
    if (ends.has(length))
      expect((await countRecords('memory:///f', { files })).records).toBe([...ends].indexOf(length));
    else {
      const error = await failure(countRecords('memory:///f', { files }), 'SHARDFEED_TRUNCATED');
      expect(ends.has(error.offset!)).toBe(true);
      expect(error.record).toBe([...ends].indexOf(error.offset!));
    }
  }
});

test('a damaged header stops the count, and a file that holds no records is told', async () => {
  const { fs, files } = memory();
  const bytes = frameRecords(examples(0, 3));
  const second = examples(0, 1)[0]!.length + 16;
  bytes[second + 3]! ^= 4;
  await writeFile(fs, '/f', bytes);
  const error = await failure(countRecords('memory:///f', { files }), 'SHARDFEED_CORRUPT_RECORD');
  expect(error).toMatchObject({ path: 'memory:///f', offset: second, record: 1 });
  await writeFile(fs, '/g.csv', new TextEncoder().encode('a,b\n1,2\n3,4\n5,6\n'));
  const foreign = await failure(countRecords('memory:///g.csv', { files }), 'SHARDFEED_UNSUPPORTED');
  expect(foreign.message).toContain('shardfeed convert');
});

test('a stale or damaged index is refused', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts: parts.slice(0, 1), index: true });
  await writeFile(fs, '/d/part-r-00000', frameRecords(examples(0, 5)));
  const stale = await failure(countRecords('memory:///d', { files }), 'SHARDFEED_STALE');
  expect(stale.path).toBe('memory:///d/_index/part-r-00000.idx');
  expect((await countRecords('memory:///d', { files, scan: true })).records).toBe(5);
  const index = await readFile(fs, '/d/_index/part-r-00000.idx');
  index[20]! ^= 1;
  await writeFile(fs, '/d/_index/part-r-00000.idx', index);
  await failure(countRecords('memory:///d', { files }), 'SHARDFEED_MANIFEST');
});

test('indexDataset makes the indexes that writing would have made, and the fingerprint', async () => {
  const { fs, files } = memory();
  const manifest = await writeDataset(fs, '/d', { parts, index: true });
  const before = await Promise.all(parts.map(({ name }) => readFile(fs, `/d/_index/${name}.idx`)));
  await fs.delete('/d/_index');
  const indexed = await indexDataset('memory:///d', { files });
  expect(indexed).toMatchObject({ records: 1003, fingerprint: manifest.fingerprint });
  expect(indexed.parts[0]).toMatchObject({ path: 'memory:///d/part-r-00000', records: 700 });
  for (const [i, { name }] of parts.entries()) {
    expect(Buffer.compare(await readFile(fs, `/d/_index/${name}.idx`), before[i]!)).toBe(0);
  }
  // A copy elsewhere has the same fingerprint.
  await fs.rename('/d', '/elsewhere');
  expect((await indexDataset('memory:///elsewhere', { files })).fingerprint).toBe(manifest.fingerprint);
});

test('indexDataset does not bless a file that differs from its manifest', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts: parts.slice(0, 1), manifest: true });
  await writeFile(fs, '/d/part-r-00000', frameRecords(examples(0, 699)));
  await failure(indexDataset('memory:///d', { files }), 'SHARDFEED_STALE');
});

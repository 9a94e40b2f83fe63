import { expect, test } from 'vitest';
import { repairFile } from '../../src/dataset/repair-file.js';
import { verifyRecords } from '../../src/dataset/verify-records.js';
import { detectFormat } from '../../src/files/index.js';
import { frameRecords } from '../../src/records/index.js';
import { examples, failure, memory, readFile, startsOf, writeDataset, writeFile } from './dataset-builders.js';

const payloads = examples(0, 30);
const bytes = frameRecords(payloads);
const starts = startsOf(payloads);

test('what is whole is copied, and the copy is well', async () => {
  const { fs, files } = memory();
  const damaged = bytes.slice();
  damaged[starts[4]! + 20]! ^= 1; // payload of record 4
  damaged[starts[9]! + 9]! ^= 1; // header of record 9: its payload is whole
  await writeFile(fs, '/f', damaged.subarray(0, starts[29]! + 5)); // record 29 is cut
  const report = await repairFile('memory:///f', 'memory:///new/f', { files });
  expect(report).toMatchObject({ from: 'memory:///f', to: 'memory:///new/f', records: 28, lost: 2 });
  expect(report.losses.map((loss) => [loss.reason, loss.record, loss.count])).toEqual([
    ['payload-checksum', 4, 1],
    ['header-checksum', 9, 0],
    ['truncated', 29, 1],
  ]);
  const copy = await readFile(fs, '/new/f');
  expect(Buffer.compare(copy, frameRecords(payloads.filter((_, i) => i !== 4 && i !== 29)))).toBe(0);
  expect(await verifyRecords('memory:///new/f', { files })).toMatchObject({ ok: true, records: 28 });
  expect(report.bytes).toBe(copy.length);
});

test('an index that belongs to the file makes the losses exact', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts: [{ name: 'p', payloads }], index: true });
  const damaged = bytes.slice();
  damaged.fill(0xee, starts[10]!, starts[15]! + 1);
  await writeFile(fs, '/d/p', damaged);
  const report = await repairFile('memory:///d/p', 'memory:///d/q', { files });
  expect(report).toMatchObject({ records: 24, lost: 6 });
  expect(report.losses.every((loss) => !loss.atLeast)).toBe(true);
});

test('the copy is compressed as the damaged file was, or as asked', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts: [{ name: 'p.gz', payloads, codec: 'gzip', memberRecords: 10 }] });
  const stored = await readFile(fs, '/d/p.gz');
  stored[stored.length - 30]! ^= 0xff;
  await writeFile(fs, '/d/p.gz', stored);
  for (const codec of [undefined, 'none', 'zlib'] as const) {
    const options = { files, overwrite: true, codec };
    const report = await repairFile('memory:///d/p.gz', 'memory:///copy', options);
    expect(report.records).toBeGreaterThanOrEqual(20);
    expect(detectFormat(await readFile(fs, '/copy'), 'copy').codec).toBe(codec ?? 'gzip');
    expect(await verifyRecords('memory:///copy', { files })).toMatchObject({ ok: true, records: report.records });
  }
});

test('nothing is overwritten unasked', async () => {
  const { fs, files } = memory();
  await writeFile(fs, '/f', bytes);
  await writeFile(fs, '/g', bytes);
  await failure(repairFile('memory:///f', 'memory:///f', { files }), 'SHARDFEED_EXISTS');
  await failure(repairFile('memory:///f', 'memory:///g', { files }), 'SHARDFEED_EXISTS');
  await failure(repairFile('memory:///none', 'memory:///x', { files }), 'SHARDFEED_NOT_FOUND');
  await failure(repairFile('memory:///', 'memory:///x', { files }), 'SHARDFEED_USAGE');
  const names: string[] = [];
  for await (const { path } of fs.list('/')) names.push(path);
  expect(names).toEqual(['/f', '/g']);
});

test('the repaired file takes the place of the damaged one where that is asked for, and of its index', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts: [{ name: 'p', payloads }], index: true });
  const damaged = bytes.slice();
  damaged[starts[4]! + 20]! ^= 1;
  await writeFile(fs, '/d/p', damaged);
  const report = await repairFile('memory:///d/p', 'memory:///d/p', { files, overwrite: true });
  expect(report).toMatchObject({ records: 29, lost: 1 });
  expect(await verifyRecords('memory:///d/p', { files })).toMatchObject({ ok: true, records: 29 });
});

import { expect, test } from 'vitest';
import { type VerifyReport, verifyRecords } from '../../src/dataset/verify-records.js';
import { encodeExample, encodeSequenceExample, frameRecords, type Loss } from '../../src/records/index.js';
import {
  type DatasetSpec,
  exampleSchema,
  examples,
  memory,
  readFile,
  startsOf,
  writeDataset,
  writeFile,
} from './dataset-builders.js';

const URI = 'memory:///d';
const payloads = examples(0, 40);
const parts = [
  { name: 'part-r-00000', payloads: payloads.slice(0, 25) },
  { name: 'part-r-00001', payloads: payloads.slice(25) },
];
/** Where each record of the first part begins, and where the part ends. */
const starts = startsOf(parts[0]!.payloads);

const codesOf = (report: VerifyReport): string[] =>
  [...report.problems, ...report.parts.flatMap((part) => part.problems)].map((problem) => problem.code);
const lossesOf = (report: VerifyReport): Loss[] => report.parts.flatMap((part) => part.losses);

async function setUp(spec: Partial<DatasetSpec> = {}) {
  const { fs, files } = memory();
  const manifest = await writeDataset(fs, '/d', { parts, index: true, manifest: { schema: exampleSchema }, ...spec });
  return { fs, files, manifest };
}

test('a whole dataset is well: plain, compressed, with and without manifest and index', async () => {
  const codecs = [
    ...parts,
    { name: 'part-r-00002.gz', payloads, codec: 'gzip' as const },
    { name: 'part-r-00003.gz', payloads, codec: 'gzip' as const, memberRecords: 7 },
    { name: 'part-r-00004.deflate', payloads, codec: 'zlib' as const },
    { name: 'part-r-00005', payloads: [] },
  ];
  for (const index of [true, false]) {
    for (const withManifest of [{ schema: exampleSchema }, true, false]) {
      const { files, manifest } = await setUp({ parts: codecs, index, manifest: withManifest });
      const report = await verifyRecords(URI, { files });
      expect(report).toMatchObject({ ok: true, records: 160, lost: 0, problems: [] });
      expect(report.fingerprint).toBe(manifest.fingerprint);
      expect(report.parts.map((part) => part.digest)).toEqual(manifest.parts.map((part) => part.digest));
    }
  }
});

test('every flipped byte is found, and loses no other record', async () => {
  for (const index of [true, false]) {
    const { fs, files } = await setUp({ parts: parts.slice(0, 1), index, manifest: false });
    const bytes = await readFile(fs, '/d/part-r-00000');
    for (let at = 0; at < bytes.length; at += index ? 1 : 5) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      await writeFile(fs, '/d/part-r-00000', changed);
      const report = await verifyRecords(URI, { files });
      const record = starts.findLastIndex((start) => start <= at);
      const inHeader = at - starts[record]! < 12;
      expect(report.ok, `byte ${at}`).toBe(false);
      expect(report.records, `byte ${at}`).toBeGreaterThanOrEqual(24);
      expect(report.records + report.lost, `byte ${at}`).toBe(25);
      const [loss] = lossesOf(report);
      expect(loss, `byte ${at}`).toMatchObject({ path: 'memory:///d/part-r-00000', record, offset: starts[record] });
      expect(loss!.reason === 'header-checksum' || !inHeader, `byte ${at}`).toBe(true);
    }
  }
});

test('truncation anywhere is found where a manifest or an index exists, with the number of lost records', async () => {
  for (const [index, manifest] of [
    [true, true],
    [true, false],
    [false, true],
  ]) {
    const { fs, files } = await setUp({ parts: parts.slice(0, 1), index: index!, manifest: manifest! });
    const bytes = await readFile(fs, '/d/part-r-00000');
    for (let length = 0; length < bytes.length; length += starts.includes(length + 1) ? 1 : 3) {
      await writeFile(fs, '/d/part-r-00000', bytes.subarray(0, length));
      const report = await verifyRecords(URI, { files });
      const whole = starts.filter((end, i) => i > 0 && end <= length).length;
      expect(report.ok, `${length} bytes`).toBe(false);
      expect(report.records, `${length} bytes`).toBe(whole);
      const exact = manifest || starts.includes(length);
      if (exact) expect(report.lost, `${length} bytes`).toBe(25 - whole);
      expect(lossesOf(report).at(-1), `${length} bytes`).toMatchObject({ reason: 'truncated', record: whole });
    }
  }
});

/** Where the gzip members of a file begin, told by their magic numbers. */
function membersOf(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8) starts.push(at);
  }
  return starts;
}

test('a cut behind a gzip member is found by manifest or index', async () => {
  const cut = [{ name: 'part.gz', payloads, codec: 'gzip' as const, memberRecords: 10 }];
  for (const manifest of [true, false]) {
    const { fs, files } = await setUp({ parts: cut, manifest });
    const bytes = await readFile(fs, '/d/part.gz');
    await writeFile(fs, '/d/part.gz', bytes.subarray(0, membersOf(bytes)[2]));
    const report = await verifyRecords(URI, { files });
    expect(report).toMatchObject({ ok: false, records: 20, lost: 20 });
  }
});

test('damage in one gzip member loses the records of that member only', async () => {
  const cut = [{ name: 'part.gz', payloads, codec: 'gzip' as const, memberRecords: 10 }];
  const { fs, files } = await setUp({ parts: cut });
  const bytes = await readFile(fs, '/d/part.gz');
  bytes[membersOf(bytes)[1]! + 30]! ^= 0xff;
  await writeFile(fs, '/d/part.gz', bytes);
  const report = await verifyRecords(URI, { files });
  expect(report.ok).toBe(false);
  expect(report.records).toBeGreaterThanOrEqual(30);
  expect(report.records + report.lost).toBe(40);
  for (const loss of lossesOf(report)) {
    expect(loss.record).toBeGreaterThanOrEqual(10);
    expect(loss.record + loss.count).toBeLessThanOrEqual(20);
  }
});

test('missing, additional, exchanged and recompressed parts contradict the manifest', async () => {
  const missing = await setUp();
  await missing.fs.delete('/d/part-r-00001');
  const report = await verifyRecords(URI, missing);
  expect(report).toMatchObject({ ok: false, records: 25, problems: [{ path: 'memory:///d/part-r-00001' }] });

  const additional = await setUp();
  await writeFile(additional.fs, '/d/part-r-00002', frameRecords(payloads));
  expect(codesOf(await verifyRecords(URI, additional))).toEqual(['SHARDFEED_STALE']);

  const exchanged = await setUp({ index: false });
  const other = examples(0, 40).slice(0, 25);
  other[3] = encodeExample({ id: 4, word: 'www' }, exampleSchema);
  expect(other[3].length).toBe(payloads[3]!.length);
  await writeFile(exchanged.fs, '/d/part-r-00000', frameRecords(other));
  const [problem] = (await verifyRecords(URI, exchanged)).parts[0]!.problems;
  expect(problem).toMatchObject({ code: 'SHARDFEED_STALE', path: 'memory:///d/part-r-00000' });

  const swapped = await setUp({ index: false });
  await swapped.fs.rename('/d/part-r-00000', '/x');
  await swapped.fs.rename('/d/part-r-00001', '/d/part-r-00000');
  await swapped.fs.rename('/x', '/d/part-r-00001');
  expect((await verifyRecords(URI, swapped)).ok).toBe(false);
});

test('an index that belongs to other records is a problem, with and without a manifest', async () => {
  for (const manifest of [true, false]) {
    const { fs, files } = await setUp({ parts: parts.slice(0, 1), manifest });
    const other = memory();
    await writeDataset(other.fs, '/d', {
      parts: [{ name: 'part-r-00000', payloads: examples(100, 120) }],
      index: true,
    });
    await writeFile(fs, '/d/_index/part-r-00000.idx', await readFile(other.fs, '/d/_index/part-r-00000.idx'));
    const report = await verifyRecords(URI, { files });
    expect(report).toMatchObject({ ok: false, records: 25, lost: 0 });
    expect(report.parts[0]!.problems).toMatchObject([
      { code: 'SHARDFEED_STALE', path: 'memory:///d/_index/part-r-00000.idx' },
    ]);
    await writeFile(fs, '/d/_index/part-r-00000.idx', new Uint8Array(90));
    expect(codesOf(await verifyRecords(URI, { files }))).toEqual(['SHARDFEED_MANIFEST']);
  }
});

test('a manifest that was tampered with is a problem, and the files are read all the same', async () => {
  const { fs, files } = await setUp();
  const text = new TextDecoder().decode(await readFile(fs, '/d/_manifest.json'));
  await writeFile(fs, '/d/_manifest.json', new TextEncoder().encode(text.replace('"records": 25', '"records": 24')));
  const report = await verifyRecords(URI, { files });
  expect(report).toMatchObject({ ok: false, records: 40, lost: 0 });
  expect(codesOf(report)).toEqual(['SHARDFEED_MANIFEST']);
});

test('records that are no Examples are reported; SequenceExamples and other schemas are fine', async () => {
  const sequence = encodeSequenceExample({ context: { a: 1 }, featureLists: { steps: [1, 2, 3] } });
  const broken = payloads[5]!.slice(0, -1);
  const mixed = [
    { name: 'broken', payloads: [payloads[0]!, broken, broken, payloads[1]!] },
    { name: 'kinds', payloads: [encodeExample({ x: 1 }), encodeExample({ x: 'one' }), encodeExample({})] },
    { name: 'sequences', payloads: [sequence, sequence] },
    { name: 'torn', payloads: [sequence, sequence.slice(0, -2)] },
  ];
  const { files } = await setUp({ parts: mixed, manifest: false, index: false });
  const report = await verifyRecords(URI, { files });
  expect(report).toMatchObject({ ok: false, records: 11, lost: 3 });
  expect(report.parts.map((part) => part.losses)).toMatchObject([
    [{ reason: 'malformed-example', record: 1, count: 2, offset: payloads[0]!.length + 16 }],
    [],
    [],
    [{ reason: 'malformed-example', record: 1, count: 1, offset: sequence.length + 16 }],
  ]);
  expect((await verifyRecords(URI, { files, examples: false })).ok).toBe(true);
});

test('malformed records are found under a schema as well, and those that do not fit it', async () => {
  const one = [{ name: 'part', payloads: [...payloads.slice(0, 10), payloads[0]!.slice(1), ...payloads.slice(10)] }];
  const malformed = await setUp({ parts: one, index: false });
  expect(lossesOf(await verifyRecords(URI, malformed))).toMatchObject([
    { reason: 'malformed-example', record: 10, count: 1 },
  ]);
  const foreign = [{ name: 'part', payloads: [...payloads, encodeExample({ id: 'text', word: 'x' })] }];
  const report = await verifyRecords(URI, await setUp({ parts: foreign, index: false }));
  expect(report).toMatchObject({ ok: false, records: 41, lost: 0 });
  expect(codesOf(report)).toEqual(['SHARDFEED_SCHEMA_MISMATCH']);
});

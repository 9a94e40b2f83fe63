import { expect, test } from 'vitest';
import { type Dataset, openDataset } from '../../src/dataset/open-dataset.js';
import { type FileSystem, openFiles } from '../../src/files/index.js';
import { settled } from '../files/cache/settled.js';
import { countingFileSystem } from '../support/counting-file-system.js';
import {
  exampleSchema,
  examples,
  failure,
  memory,
  type PartSpec,
  writeDataset,
  writeFile,
} from './dataset-builders.js';

/** Parts of 7, 0, 1 and 12 records, numbered through in the order of their names. */
const parts: PartSpec[] = [
  { name: 'part-r-00000', payloads: examples(0, 7) },
  { name: 'part-r-00001', payloads: [] },
  { name: 'part-r-00002', payloads: examples(7, 8) },
  { name: 'part-r-00003', payloads: examples(8, 20) },
];
const ids = Array.from({ length: 20 }, (_, i) => i);

async function idsOf(dataset: Dataset): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let i = 0; i < dataset.count; i++) found.push((await dataset.get(i)).id);
  return found;
}

function counted(fs: FileSystem) {
  const { fs: seen, counts } = countingFileSystem(fs);
  return { files: openFiles({ drivers: { memory: seen } }), counts };
}

test.each([
  ['manifest', { index: true, manifest: { schema: exampleSchema } }],
  ['manifest', { manifest: { schema: exampleSchema } }],
  ['index', { index: true }],
  ['scan', {}],
] as const)('counts and places come from the %s', async (by, spec) => {
  const { fs, files } = memory();
  const { fingerprint } = await writeDataset(fs, '/d', { parts, ...spec });
  await using dataset = await openDataset('memory:///d', { files });
  expect(dataset.fingerprint).toBe(fingerprint);
  expect(dataset.count).toBe(20);
  expect(dataset.files.map(({ name, path, records }) => [name, path, records])).toEqual(
    parts.map(({ name, payloads }) => [name, `memory:///d/${name}`, payloads.length]),
  );
  expect(dataset.schema.features.map(({ name, kind }) => [name, kind])).toEqual([
    ['id', 'int64'],
    ['word', 'bytes'],
  ]);
  expect(dataset.manifest === undefined).toBe(by !== 'manifest');
  expect(await idsOf(dataset)).toEqual(ids);
});

test('with manifest and indexes opening reads the manifest, and a record its part’s index and one range', async () => {
  const { fs } = memory();
  await writeDataset(fs, '/d', { parts, index: true, manifest: { schema: exampleSchema } });
  const { files, counts } = counted(fs);
  const dataset = await openDataset('memory:///d', { files });
  expect([...counts.files.keys()]).toEqual(['/d/_manifest.json']);
  expect(counts.requests).toBeLessThanOrEqual(3);
  counts.reset();
  expect(await dataset.get(10)).toEqual({ id: 10, word: new TextEncoder().encode('www') });
  expect(counts.reads.map(({ path }) => path)).toEqual(['/d/_index/part-r-00003.idx', '/d/part-r-00003']);
  expect(counts.files.get('/d/part-r-00003')!.bytes).toBe(parts[3]!.payloads[2]!.length + 16);
  await dataset.get(11);
  expect(counts.files.get('/d/_index/part-r-00003.idx')!.opens).toBe(1);
});

test('a pattern, or a list, of files in a folder with a manifest needs no scan', async () => {
  const { fs } = memory();
  const { fingerprint } = await writeDataset(fs, '/d/train', { parts, manifest: { schema: exampleSchema } });
  const { files, counts } = counted(fs);
  const whole = await openDataset('memory:///d/train/part*', { files });
  expect(whole.fingerprint).toBe(fingerprint);
  expect(whole.manifest?.fingerprint).toBe(fingerprint);
  const some = await openDataset(['memory:///d/train/part-r-00003', 'memory:///d/train/part-r-00000'], { files });
  expect(some.files.map((file) => file.records)).toEqual([7, 12]);
  expect(some.fingerprint).not.toBe(fingerprint);
  expect(some.manifest).toBeUndefined();
  expect([...counts.files.keys()]).toEqual(['/d/train/_manifest.json']);
  // A part that is not what the manifest lists is read as it is.
  await writeDataset(fs, '/other', { parts: [{ name: 'part-r-00000', payloads: examples(0, 9) }] });
  await fs.delete('/d/train/part-r-00000');
  await fs.rename('/other/part-r-00000', '/d/train/part-r-00000');
  const mixed = await openDataset('memory:///d/train/part*', { files });
  expect(mixed.files.map((file) => file.records)).toEqual([9, 0, 1, 12]);
  await failure(openDataset('memory:///d/train', { files }), 'SHARDFEED_STALE');
});

test('records that are not there', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts, manifest: { schema: exampleSchema } });
  const dataset = await openDataset('memory:///d', { files });
  for (const ordinal of [-1, 20, 1.5, Number.NaN]) {
    const error = await failure(dataset.get(ordinal), 'SHARDFEED_RANGE');
    expect(error.message).toContain('20 records');
  }
  await dataset.close();
  await dataset.close();
  await failure(dataset.get(0), 'SHARDFEED_USAGE');
});

test('datasets without records', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/none', { parts: [], manifest: true });
  await writeDataset(fs, '/empty', { parts: [{ name: 'part-0', payloads: [] }] });
  for (const folder of ['none', 'empty']) {
    const dataset = await openDataset(`memory:///${folder}`, { files });
    expect([dataset.count, dataset.schema]).toEqual([0, { features: [] }]);
    await failure(dataset.get(0), 'SHARDFEED_RANGE');
  }
  await fs.mkdir('/bare');
  await failure(openDataset('memory:///bare', { files }), 'SHARDFEED_NOT_FOUND');
  await failure(openDataset('memory:///nowhere/part*', { files }), 'SHARDFEED_NOT_FOUND');
});

test('names: hidden ones are none, the same one in two folders is two, odd ones are names', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', {
    parts: ['b/part-0', 'a/part-0', '100%', 'é\nü', '%2F', '_hidden', '.part-0.crc'].map((name, i) => ({
      name,
      payloads: examples(i, i + 1),
    })),
  });
  const dataset = await openDataset(['memory:///d/*/part-*', 'memory:///d'], { files });
  expect(dataset.files.map(({ name }) => name)).toEqual(['%2F', '100%', 'a/part-0', 'b/part-0', 'é\nü']);
  expect(await idsOf(dataset)).toEqual([4, 2, 1, 0, 3]);
  const other = openFiles({ drivers: { memory: fs, other: fs, copy: memory().fs } });
  expect((await openDataset(['memory:///d/100%', 'other:///d/100%'], { files: other })).count).toBe(1);
});

test('one name in two file systems is refused', async () => {
  const [one, two] = [memory(), memory()];
  for (const { fs } of [one, two]) await writeDataset(fs, '/d', { parts: parts.slice(0, 1) });
  const files = openFiles({ drivers: { one: one.fs, two: two.fs } });
  const error = await failure(openDataset(['one:///d', 'two:///d'], { files }), 'SHARDFEED_USAGE');
  expect(error.message).toContain('part-r-00000');
});

test('what is no TFRecord file says so', async () => {
  const { fs, files } = memory();
  await writeFile(fs, '/d/part-0', new TextEncoder().encode('id,word\n1,w\n'));
  const text = await failure(openDataset('memory:///d', { files }), 'SHARDFEED_UNSUPPORTED');
  expect(text.message).toMatch(/memory:\/\/\/d\/part-0 is text, .*shardfeed convert/);
  expect(text.path).toBe('memory:///d/part-0');
  await failure(openDataset('memory:///d', { files, policy: 'skip' }), 'SHARDFEED_UNSUPPORTED');
  await writeFile(fs, '/e/part-0.parquet', Uint8Array.from([...Buffer.from('PAR1'), ...new Uint8Array(40)]));
  const binary = await failure(openDataset('memory:///e', { files }), 'SHARDFEED_CORRUPT_RECORD');
  expect(binary.message).toContain('is this a TFRecord file?');
});

test('with a cache, what was read once is not read again', async () => {
  const { fs } = memory();
  await writeDataset(fs, '/d', { parts, index: true, manifest: { schema: exampleSchema } });
  const { files, counts } = counted(settled(fs));
  const dataset = await openDataset('memory:///d', { files, cache: { bytes: 1 << 20 } });
  expect(await idsOf(dataset)).toEqual(ids);
  counts.reset();
  expect(await idsOf(dataset)).toEqual(ids);
  expect(counts.bytes).toBe(0);
});

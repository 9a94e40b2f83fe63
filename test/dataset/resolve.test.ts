import { expect, test } from 'vitest';
import { resolveDataset } from '../../src/dataset/resolve.js';
import { examples, failure, memory, writeDataset, writeFile } from './dataset-builders.js';

const parts = ['part-r-00001', 'part-r-00000'].map((name, i) => ({ name, payloads: examples(10 * i, 10 * i + 3) }));

test('a folder with a manifest is what the manifest lists', async () => {
  const { fs, files } = memory();
  const manifest = await writeDataset(fs, '/d', { parts, index: true, manifest: true });
  const dataset = await resolveDataset('memory:///d', { files });
  expect(dataset.manifest).toEqual(manifest);
  expect(dataset.parts.map((part) => [part.name, part.path, part.listed])).toEqual([
    ['part-r-00000', '/d/part-r-00000', manifest.parts[0]],
    ['part-r-00001', '/d/part-r-00001', manifest.parts[1]],
  ]);
  // Files that are named are read as they are.
  const some = await resolveDataset('memory:///d/part-r-00001', { files });
  expect(some.manifest).toBeUndefined();
  expect(some.parts).toMatchObject([{ name: 'part-r-00001', bytes: manifest.parts[1]!.bytes }]);
});

test('a folder that differs from its manifest is stale, and says how', async () => {
  const { fs, files } = memory();
  const changes: [string, () => Promise<void>][] = [
    ['part-r-00001 is missing', () => fs.delete('/d/part-r-00001')],
    ['part-r-00002 is not in the manifest', () => writeFile(fs, '/d/part-r-00002', new Uint8Array(3))],
    ['part-r-00000 has 5 bytes', () => writeFile(fs, '/d/part-r-00000', new Uint8Array(5))],
  ];
  for (const [message, change] of changes) {
    await fs.delete('/d');
    await writeDataset(fs, '/d', { parts, manifest: true });
    await change();
    const error = await failure(resolveDataset('memory:///d', { files }), 'SHARDFEED_STALE');
    expect(error.message).toContain(message);
    expect(error.path).toBe('/d');
    await resolveDataset('memory:///d', { files, lenient: true });
  }
});

test('files beginning with _ or . are none of a manifest’s business', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts, manifest: true });
  await writeFile(fs, '/d/.part-r-00000.crc', new Uint8Array(8));
  await writeFile(fs, '/d/_temporary/x', new Uint8Array(8));
  expect((await resolveDataset('memory:///d', { files })).parts).toHaveLength(2);
});

test('without a manifest files come in bytewise order, named from the folder they share', async () => {
  const { fs, files } = memory();
  const names = ['a/x/part-b', 'a/x/part-a', 'a/y/part-c', 'a/y/_hidden', 'a/x/ü', 'a/x/z'];
  for (const [i, name] of names.entries()) await writeFile(fs, `/${name}`, new Uint8Array(i));
  const namesOf = async (source: string | string[]): Promise<string[]> =>
    (await resolveDataset(source, { files })).parts.map((part) => part.name);
  expect(await namesOf('memory:///a/x')).toEqual(['part-a', 'part-b', 'z', 'ü']);
  expect(await namesOf('memory:///a/*/part-*')).toEqual(['x/part-a', 'x/part-b', 'y/part-c']);
  expect(await namesOf(['memory:///a/y/part-c', 'memory:///a/x/z'])).toEqual(['y/part-c', 'x/z']);
  expect(await namesOf('memory:///a/y/part-c')).toEqual(['part-c']);
  await failure(namesOf('memory:///a/x/nothing*'), 'SHARDFEED_NOT_FOUND');
  await failure(namesOf('memory:///b'), 'SHARDFEED_NOT_FOUND');
});

test('a dataset whose replacement was stopped half way is found again', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', { parts, manifest: true });
  await fs.rename('/d', '/_old-d-job1');
  expect((await resolveDataset('memory:///d', { files })).manifest?.records).toBe(6);
});

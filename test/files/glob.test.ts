import { describe, expect, test } from 'vitest';
import { type FileSystem, type Files, memoryFileSystem, openFiles } from '../../src/files/index.js';
import { scratchFolder } from './scratch.js';

const scratch = await scratchFolder();
const withMemory = openFiles({ drivers: { memory: memoryFileSystem() } });
let folders = 0;

async function fill(fs: FileSystem, root: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const writer = await fs.create(`${root}/${name}`);
    await writer.close();
  }
}

describe.each([
  ['local', scratch],
  ['memory', 'memory:///base'],
])('%s', (_, base) => {
  const files: Files = withMemory;

  /** Makes the files in a fresh folder and expands the pattern there; gives names relative to it. */
  async function expand(names: readonly string[], ...patterns: string[]): Promise<string[]> {
    const uri = `${base}/${folders++}`;
    const root = files.resolve(uri);
    await fill(root.fs, root.path, names);
    const found = await files.expand(patterns.map((pattern) => `${uri}/${pattern}`));
    for (const { fs, path, size, mtimeMs } of found) {
      expect(fs).toBe(root.fs);
      expect(await fs.stat(path)).toMatchObject({ size, mtimeMs });
    }
    return found.map(({ path }) => path.slice(root.path.length + 1));
  }

  test('matches in bytewise order', async () => {
    const names = ['part-10', 'part-2', 'part-é', 'part-～', 'part-\u{1f600}', 'Part-1', 'other'];
    expect(await expand(names, 'part-*')).toEqual(['part-10', 'part-2', 'part-é', 'part-～', 'part-\u{1f600}']);
  });

  test('?, [], {} and **', async () => {
    const names = ['a/x1.csv', 'a/x2.csv', 'a/x10.csv', 'a/b/x1.csv', 'c/x1.tsv'];
    expect(await expand(names, 'a/x?.csv')).toEqual(['a/x1.csv', 'a/x2.csv']);
    expect(await expand(names, 'a/x[2-9].csv')).toEqual(['a/x2.csv']);
    expect(await expand(names, '{a,c}/x1.{csv,tsv}')).toEqual(['a/x1.csv', 'c/x1.tsv']);
    expect(await expand(names, '**/x1.*')).toEqual(['a/b/x1.csv', 'a/x1.csv', 'c/x1.tsv']);
  });

  test('hidden names are skipped', async () => {
    const names = ['part-0', '_SUCCESS', '_manifest.json', '_index/part-0.idx', '.part-0.crc', '_tmp-x-1/data/part-0'];
    expect(await expand(names, '*')).toEqual(['part-0']);
    expect(await expand(names, '**')).toEqual(['part-0']);
    expect(await expand(names, '**/part-0')).toEqual(['part-0']);
    await expect(expand(names, '_*')).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
  });

  test('a path that names a hidden file or folder literally is taken', async () => {
    expect(await expand(['_odd/part-0', '_odd/_SUCCESS'], '_odd/part-*')).toEqual(['_odd/part-0']);
    expect(await expand(['_odd'], '_odd')).toEqual(['_odd']);
  });

  test('a folder stands for the files directly in it', async () => {
    const names = ['d/part-1', 'd/part-0', 'd/_SUCCESS', 'd/sub/part-2', 'd/.x'];
    expect(await expand(names, 'd')).toEqual(['d/part-0', 'd/part-1']);
    expect(await expand(names, 'd/')).toEqual(['d/part-0', 'd/part-1']);
    expect(await expand([...names, 'e/part-9'], '[de]')).toEqual(['d/part-0', 'd/part-1', 'e/part-9']);
    expect(await expand(names, '**')).toEqual(['d/part-0', 'd/part-1', 'd/sub/part-2']);
  });

  test('what exists wins over the pattern', async () => {
    const names = ['a[1].csv', 'a1.csv', 'x*', 'xyz', '{b}/c1', '{b}/c2', '!n'];
    expect(await expand(names, 'a[1].csv')).toEqual(['a[1].csv']);
    expect(await expand(names, 'x*')).toEqual(['x*']);
    expect(await expand(names, '{b}/c*')).toEqual(['{b}/c1', '{b}/c2']);
    expect(await expand(names, '!n*')).toEqual(['!n']);
    expect(await expand(['a1.csv'], 'a[1].csv')).toEqual(['a1.csv']);
  });

  test('odd names match', async () => {
    const names = ['50% é#1;+ .csv', 'line\nbreak.csv'];
    expect(await expand(names, '*.csv')).toEqual(names);
    expect(await expand(names, '50% *#?;+*')).toEqual(['50% é#1;+ .csv']);
  });

  test('arguments keep their order, and a file comes once', async () => {
    const names = ['a1', 'a2', 'b1'];
    expect(await expand(names, 'b*', 'a2', 'a*', 'b1')).toEqual(['b1', 'a2', 'a1']);
  });

  test('no match', async () => {
    const missing = { code: 'SHARDFEED_NOT_FOUND' };
    await expect(expand(['a'], 'b')).rejects.toMatchObject({
      ...missing,
      message: expect.stringContaining('no such file'),
    });
    await expect(expand(['a'], 'b*')).rejects.toMatchObject(missing);
    await expect(expand(['a'], 'a', 'b*')).rejects.toMatchObject(missing);
    await expect(expand(['d/_SUCCESS'], 'd')).rejects.toThrow('only folders');
    await expect(expand(['a'], 'no/such/*')).rejects.toMatchObject(missing);
    await expect(expand(['a'], 'a/*')).rejects.toMatchObject(missing);
    expect(await expand(['a', 'b/x'], '{a,b,c}/x')).toEqual(['b/x']);
  });

  test('a signal that has fired', async () => {
    await expect(files.expand(`${base}/*`, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'SHARDFEED_ABORTED',
    });
  });
});

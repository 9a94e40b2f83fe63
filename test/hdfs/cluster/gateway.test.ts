import { afterAll, expect, test } from 'vitest';
import { DATA } from '../../../src/files/commit/names.js';
import { FileCommit, type FileSystem } from '../../../src/files/index.js';
import { hdfsFileSystem, simpleCredentials } from '../../../src/hdfs/index.js';
import { testCluster } from '../support/cluster.js';
import { namesIn, readFile, writeFile } from '../support/file-systems.js';
import { nameSpace } from '../support/name-space.js';

const ROOT = '/gateway';
const cluster = await testCluster('plain');
const names = nameSpace(cluster);
const open = (scheme: 'httpfs' | 'webhdfs'): Promise<FileSystem> =>
  hdfsFileSystem({
    scheme,
    authority: cluster.httpfs[0]!.http,
    configuration: new Map(),
    credentials: simpleCredentials('hdfs'),
  });
const fs = await open('httpfs');
await fs.mkdir(ROOT);
afterAll(() => fs.delete(ROOT));

/** What several datasets leave that take one name at once, and every name that was seen in it meanwhile. */
async function race(round: string, folder: string) {
  const target = `${ROOT}/${round}`;
  const sources = ['a', 'b', 'c', 'd'].map((job) => `${ROOT}/_tmp-${round}-${job}/${folder}`);
  for (const source of sources) await writeFile(fs, `${source}/_SUCCESS`, new Uint8Array());
  const seen = new Set<string>();
  let over = false;
  const watcher = (async () => {
    while (!over) for (const name of await names.tree(target).catch(() => [])) seen.add(name);
  })();
  const results = await Promise.allSettled(
    sources.map(async (source) => (await open('httpfs')).rename(source, target)),
  );
  over = true;
  await watcher;
  const left: string[] = [];
  for (const source of sources) left.push(...(await names.tree(source).catch(() => [])));
  return { results, seen: [...seen], left };
}

test('of datasets that take one name at once one gets it, and no other is ever seen in it', async () => {
  for (let round = 0; round < 6; round++) {
    const { results, seen, left } = await race(`race-${round}`, DATA);
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(failed).toEqual(Array(3).fill(expect.objectContaining({ code: 'SHARDFEED_EXISTS' })));
    expect(seen.filter((name) => name !== '_SUCCESS')).toEqual([]);
    expect(left).toEqual(['_SUCCESS', '_SUCCESS', '_SUCCESS']);
  }
});

test('a folder of another name is moved back', async () => {
  for (let round = 0; round < 3; round++) {
    const { results, left } = await race(`other-${round}`, 'data');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(left).toEqual(['_SUCCESS', '_SUCCESS', '_SUCCESS']);
  }
});

test('behind the scheme of a name node it says that it cannot replace at one stroke, and files are replaced otherwise', async () => {
  const disguised = await open('webhdfs');
  const path = `${ROOT}/file`;
  for (const text of ['old', 'new']) {
    const file = await FileCommit.begin({ fs: disguised, path }, { overwrite: true });
    await file.write(Buffer.from(text));
    await file.commit();
    expect(Buffer.from(await readFile(disguised, path)).toString()).toBe(text);
  }
  expect(await namesIn(fs, ROOT)).toContain('file');
  expect((await namesIn(fs, ROOT)).filter((name) => /^_(?:tmp|old)-file/.test(name))).toEqual([]);
  const again = await open('webhdfs');
  await writeFile(again, `${ROOT}/source`, Buffer.from('source'));
  await expect(again.replaceFile!(`${ROOT}/source`, path)).rejects.toMatchObject({ code: 'SHARDFEED_UNSUPPORTED' });
  expect(Buffer.from(await readFile(again, path)).toString()).toBe('new');
  const writer = await again.create(path, { overwrite: true });
  await writer.write(Buffer.from('written'));
  await writer.close();
  expect(Buffer.from(await readFile(again, path)).toString()).toBe('written');
});

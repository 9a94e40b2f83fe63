import { describe, expect, test } from 'vitest';
import { DATA } from '../../../src/files/commit/names.js';
import { TIMING } from '../../../src/files/commit/siblings.js';
import { DatasetCommit, localFileSystem, memoryFileSystem, openFiles, recover } from '../../../src/files/index.js';
import { parentPath } from '../../../src/files/paths.js';
import { hooked } from '../faulty.js';
import { scratchFolder } from '../scratch.js';
import { ALONE, commitVersion, namesIn, put, versionAt } from './datasets.js';

const scratch = await scratchFolder();
let folders = 0;

describe.each([
  ['local', localFileSystem(), scratch],
  ['memory', memoryFileSystem(), '/base'],
])('%s', (_, fs, base) => {
  /** A target in a fresh folder. */
  function fresh(): { root: string; path: string } {
    const root = `${base}/${folders++}`;
    return { root, path: `${root}/data set-1%` };
  }

  test('nothing is at the target until commit, and nothing else beside it afterwards', async () => {
    const { root, path } = fresh();
    const commit = await DatasetCommit.begin({ fs, path });
    await put(await commit.create('part-r-00000'), 'one');
    await expect(fs.stat(path)).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
    expect(await namesIn(fs, root)).toEqual([`_tmp-data set-1%-${commit.jobId}`]);
    expect(await commit.commit({ manifest: '{}' })).toEqual({ left: [] });
    expect(await namesIn(fs, root)).toEqual(['data set-1%']);
    expect(await namesIn(fs, path)).toEqual(['_SUCCESS', '_manifest.json', 'part-r-00000']);
    await commit.abort();
    expect(await namesIn(fs, path)).toHaveLength(3);
  });

  test('an existing target is refused before any work', async () => {
    const { root, path } = fresh();
    await commitVersion(fs, path, 'old');
    await expect(DatasetCommit.begin({ fs, path })).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS', path });
    await fs.mkdir(`${root}/empty`);
    await expect(DatasetCommit.begin({ fs, path: `${root}/empty` })).rejects.toMatchObject({
      code: 'SHARDFEED_EXISTS',
    });
    await put(await fs.create(`${root}/file`), 'x');
    await expect(DatasetCommit.begin({ fs, path: `${root}/file` })).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS' });
    expect(await namesIn(fs, root)).toEqual(['data set-1%', 'empty', 'file']);
    expect(await versionAt(fs, path)).toBe('old');
  });

  test('overwrite replaces a dataset', async () => {
    const { root, path } = fresh();
    await commitVersion(fs, path, 'old', { overwrite: true });
    await commitVersion(fs, path, 'new', { overwrite: true });
    expect(await versionAt(fs, path)).toBe('new');
    expect(await namesIn(fs, root)).toEqual(['data set-1%']);
  });

  test('overwrite replaces empty folders and foreign datasets, but no other folder and no file', async () => {
    const { root } = fresh();
    const full = async (name: string, ...files: string[]) => {
      await fs.mkdir(`${root}/${name}`);
      for (const file of files) await put(await fs.create(`${root}/${name}/${file}`), 'x');
      return `${root}/${name}`;
    };
    const replaceable = [
      await full('empty'),
      await full('spark', 'part-00000.tfrecord.gz', '.part-00000.tfrecord.gz.crc', '_SUCCESS'),
      await full('hadoop', 'part-r-00000', 'part-r-00001'),
      await full('tf', 'train-00000-of-00002', 'train-00001-of-00002'),
      await full('split', 'train/part-r-00000', 'test/part-r-00000', '_SUCCESS'),
    ];
    for (const path of replaceable) {
      await commitVersion(fs, path, 'new', { overwrite: true });
      expect(await versionAt(fs, path)).toBe('new');
    }
    const others = [
      await full('home', 'letter.txt'),
      await full('sources', 'part-r-00000', 'src/index.ts'),
      await full('mixed', 'part-r-00000', 'notes.md'),
    ];
    await put(await fs.create(`${root}/file`), 'x');
    for (const path of [...others, `${root}/file`]) {
      const before = await namesIn(fs, path).catch(() => 'file');
      await expect(DatasetCommit.begin({ fs, path }, { overwrite: true })).rejects.toMatchObject({
        code: 'SHARDFEED_EXISTS',
      });
      expect(await namesIn(fs, path).catch(() => 'file')).toEqual(before);
    }
    await expect(DatasetCommit.begin({ fs, path: '/' }, { overwrite: true })).rejects.toMatchObject({
      code: 'SHARDFEED_USAGE',
    });
  });

  test('abort leaves nothing, not even the parents that were made', async () => {
    const { root } = fresh();
    const commit = await DatasetCommit.begin({ fs, path: `${root}/a/b/c` });
    const open = await commit.create('part-r-00000');
    await open.write(new Uint8Array(100_000));
    await commit.abort();
    await commit.abort();
    await expect(fs.stat(root)).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
    await expect(commit.create('x')).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
    await expect(commit.commit()).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
  });

  test('abort keeps the old dataset and the parents that others use', async () => {
    const { root } = fresh();
    await commitVersion(fs, `${root}/a/old`, 'old');
    const commit = await DatasetCommit.begin({ fs, path: `${root}/a/old` }, { overwrite: true });
    await commit.abort();
    expect(await versionAt(fs, `${root}/a/old`)).toBe('old');
    const other = await DatasetCommit.begin({ fs, path: `${root}/b/c` });
    await put(await fs.create(`${root}/b/theirs`), 'x');
    await other.abort();
    expect(await namesIn(fs, `${root}/b`)).toEqual(['theirs']);
  });

  test('await using aborts what was not committed', async () => {
    const { root, path } = fresh();
    const commit = await DatasetCommit.begin({ fs, path });
    await commit[Symbol.asyncDispose]();
    expect(await namesIn(fs, root)).toEqual([]);
  });

  test('a dataset with a file still open is not committed', async () => {
    const { path } = fresh();
    const commit = await DatasetCommit.begin({ fs, path });
    const writer = await commit.create('part-r-00000');
    await expect(commit.commit()).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
    await writer.close();
    const given = await commit.create('part-r-00001');
    await given.abort();
    await commit.commit();
    expect(await namesIn(fs, path)).toEqual(['_SUCCESS', 'part-r-00000']);
  });

  test('names that leave the dataset are refused', async () => {
    const { path } = fresh();
    const commit = await DatasetCommit.begin({ fs, path });
    for (const name of ['..', '../x', '.', '', 'a/../../x', '../data2/x']) {
      await expect(commit.create(name), name).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
    }
    await commit.abort();
  });

  test('while one job writes, a second is told so at once', async () => {
    const { root, path } = fresh();
    const first = await DatasetCommit.begin({ fs, path });
    for (const overwrite of [false, true]) {
      const second = DatasetCommit.begin({ fs, path }, { overwrite });
      await expect(second).rejects.toMatchObject({
        code: 'SHARDFEED_BUSY',
        message: expect.stringContaining(first.jobId),
      });
    }
    expect(await namesIn(fs, root)).toHaveLength(1);
    await put(await first.create('part-r-00000'), 'x');
    await first.commit();
    expect(await namesIn(fs, root)).toEqual(['data set-1%']);
  });

  test('jobs on neighbours do not meet, however alike their names are', async () => {
    const { root } = fresh();
    const names = ['a', 'a-b', 'a-b-c', 'b', '_tmp-a'];
    const commits = await Promise.all(
      names.map((name) => DatasetCommit.begin({ fs, path: `${root}/${name}` }, {}, { ...ALONE })),
    );
    await Promise.all(commits.map((commit) => commit.commit()));
    expect(await namesIn(fs, root)).toEqual(['_tmp-a', ...names.slice(0, 4)]);
  });

  test('of ten jobs that begin at the same moment one commits, without overwrite', async () => {
    const { root, path } = fresh();
    const versions = Array.from({ length: 10 }, (_, i) => `v${i}`);
    // Jobs may also miss each other at the start: then the rename decides.
    for (const timing of [TIMING, { ...TIMING, busyMs: Number.NEGATIVE_INFINITY }]) {
      const tries = await Promise.allSettled(versions.map((version) => commitVersion(fs, path, version, {}, timing)));
      const winners = versions.filter((_, i) => tries[i]!.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      for (const result of tries) {
        if (result.status === 'rejected') expect(result.reason.code).toMatch(/^SHARDFEED_(EXISTS|BUSY)$/);
      }
      expect(await versionAt(fs, path)).toBe(winners[0]);
      expect(await namesIn(fs, root)).toEqual(['data set-1%']);
      await fs.delete(path);
    }
  });

  test('a signal stops the commit, and abort cleans up', async () => {
    const { root, path } = fresh();
    const controller = new AbortController();
    const commit = await DatasetCommit.begin({ fs, path }, { signal: controller.signal });
    const writer = await commit.create('part-r-00000');
    controller.abort();
    await expect(writer.write(new Uint8Array(10))).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    await expect(commit.create('x')).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    await commit.abort();
    expect(await namesIn(fs, root)).toEqual([]);
    await expect(DatasetCommit.begin({ fs, path }, { signal: controller.signal })).rejects.toMatchObject({
      code: 'SHARDFEED_ABORTED',
    });
  });

  test('a failed clean-up does not fail the commit, and says what is left', async () => {
    const { root, path } = fresh();
    await commitVersion(fs, path, 'old');
    const sticky = hooked(fs, (call) => {
      if (call.startsWith(`delete ${root}/_old-`)) throw new Error('cannot delete');
    });
    const commit = await DatasetCommit.begin({ fs: sticky, path }, { overwrite: true, jobId: 'J1' });
    await put(await commit.create('part-r-00000'), 'new');
    expect(await commit.commit()).toEqual({ left: [`${root}/_old-data set-1%-J1`] });
    await commitVersion(fs, path, 'newer', { overwrite: true }, ALONE);
    expect(await namesIn(fs, root)).toEqual(['data set-1%']);
  });

  test('a rename that fails puts the old dataset back', async () => {
    const { root, path } = fresh();
    await commitVersion(fs, path, 'old');
    const broken = hooked(fs, (call) => {
      if (call.endsWith(`/${DATA} to ${path}`) && renames++ > 0) throw new Error('the network is gone');
    });
    let renames = 0;
    await expect(commitVersion(broken, path, 'new', { overwrite: true })).rejects.toThrow('the network is gone');
    expect(await versionAt(fs, path)).toBe('old');
    expect(await namesIn(fs, root)).toEqual(['data set-1%']);
  });

  test('recover says what it found', async () => {
    const { path } = fresh();
    expect(await recover({ fs, path })).toBe('absent');
    await commitVersion(fs, path, 'old');
    expect(await recover({ fs, path })).toBe('present');
  });
});

test('a job shows that it lives until it ends', async () => {
  const fs = memoryFileSystem();
  const beats: string[] = [];
  const watched = hooked(fs, (call, moment) => {
    if (moment === 'after' && call.startsWith('create') && call.endsWith('/heartbeat')) beats.push(call);
  });
  const timing = { ...TIMING, heartbeatMs: 1 };
  const commit = await DatasetCommit.begin({ fs: watched, path: '/x/data' }, {}, timing);
  while (beats.length < 5) await new Promise((resolve) => setTimeout(resolve, 1));
  await commit.commit();
  const counted = beats.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(beats.length).toBe(counted);
  expect(await namesIn(fs, '/x')).toEqual(['data']);
});

test('a job whose folder was cleaned away commits nothing, and does not bring it back', async () => {
  const fs = memoryFileSystem();
  for (const heartbeatMs of [1, 10_000]) {
    const commit = await DatasetCommit.begin({ fs, path: '/x/data' }, {}, { ...TIMING, heartbeatMs });
    await put(await commit.create('part-r-00000'), 'x');
    await fs.delete(parentPath(commit.staging));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(commit.commit()).rejects.toMatchObject({ code: 'SHARDFEED_IO' });
    await commit.abort();
    expect(await namesIn(fs, '/x')).toEqual([]);
  }
});

test('job ids are checked', async () => {
  const fs = memoryFileSystem();
  for (const jobId of ['', 'a-b', 'a/b', '..', 'x'.repeat(65)]) {
    await expect(DatasetCommit.begin({ fs, path: '/x' }, { jobId })).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
  }
});

test('a target can be a URI', async () => {
  const memory = memoryFileSystem();
  const files = openFiles({ drivers: { memory } });
  const commit = await DatasetCommit.begin('memory:///out/data', { files });
  await commit.commit();
  expect(await namesIn(memory, '/out')).toEqual(['data']);
});

test('a full file system leaves nothing behind', async () => {
  const fs = memoryFileSystem({ capacity: 100_000 });
  const commit = await DatasetCommit.begin({ fs, path: '/out/data' });
  const writer = await commit.create('part-r-00000');
  await expect(writer.write(new Uint8Array(100_000))).rejects.toMatchObject({ code: 'SHARDFEED_NO_SPACE' });
  await commit.abort();
  expect(await namesIn(fs, '/')).toEqual([]);
  expect(await fs.freeSpace!('/')).toBe(100_000);
});

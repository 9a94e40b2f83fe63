import { mkdir, readdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder, ScanCache } from '../../src/dataset/scan-cache.js';
import { localFileSystem } from '../../src/files/index.js';
import { scratchFolder } from '../files/scratch.js';

const scratch = await scratchFolder();
const part = { fs: localFileSystem(), path: '/d/p', name: 'p', bytes: 100, mtimeMs: 1000.5 };
const index = {
  lengths: Uint32Array.of(9, 9, 34),
  bytes: 100,
  digest: 'ab'.repeat(32),
  compression: 'none',
} as const;

test('an index is found again by URI, size and mtime', async () => {
  const cache = new ScanCache(join(scratch, 'found'));
  expect(await cache.header(part)).toBeUndefined();
  await Promise.all([1, 2, 3].map(() => cache.publish(part, index)));
  expect(await readdir(join(scratch, 'found', 'index'))).toHaveLength(1);
  const other = new ScanCache(join(scratch, 'found'));
  expect(await other.header(part)).toMatchObject({ records: 3, digest: index.digest, members: 0 });
  expect((await other.index(part))!.lengths).toEqual(index.lengths);
  for (const change of [{ path: '/d/q' }, { bytes: 101 }, { mtimeMs: 1000.25 }, { mtimeMs: undefined }]) {
    expect(await cache.header({ ...part, ...change })).toBeUndefined();
  }
});

test('the oldest go where there is too much', async () => {
  const folder = join(scratch, 'full', 'index');
  await mkdir(folder, { recursive: true });
  for (const [i, name] of ['oldest', 'older', 'old'].entries()) {
    await writeFile(join(folder, name), '');
    await truncate(join(folder, name), 600 << 20);
    await utimes(join(folder, name), 1000, 1000 + i);
  }
  const cache = new ScanCache(join(scratch, 'full'));
  await cache.prune();
  expect(await readdir(folder)).toHaveLength(3); // nothing was added
  await cache.publish(part, index);
  await cache.prune();
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.idx$/), 'old']);
  expect(await cache.header(part)).toBeDefined();
});

test('where a user’s caches lie', () => {
  expect(cacheFolder({ SHARDFEED_CACHE_DIR: '/fast' }, 'linux')).toBe('/fast');
  expect(cacheFolder({ XDG_CACHE_HOME: '/xdg' }, 'linux')).toBe('/xdg/shardfeed');
  expect(cacheFolder({ SHARDFEED_CACHE_DIR: '' }, 'linux')).toBe(join(homedir(), '.cache', 'shardfeed'));
  expect(cacheFolder({}, 'darwin')).toBe(join(homedir(), 'Library', 'Caches', 'shardfeed'));
  expect(cacheFolder({ LOCALAPPDATA: '/local' }, 'win32')).toBe(join('/local', 'shardfeed'));
});

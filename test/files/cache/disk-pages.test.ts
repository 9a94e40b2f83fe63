import * as promises from 'node:fs/promises';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { DiskPages } from '../../../src/files/cache/disk-pages.js';
import { scratchFolder } from '../scratch.js';

vi.mock('node:fs/promises', { spy: true });

const scratch = await scratchFolder();
let folders = 0;
const newFolder = () => join(scratch, `${folders++}`);
const page = (fill: number) => new Uint8Array(96).fill(fill); // 100 bytes with its CRC

test('a page that is damaged or cut off is not there, and is deleted', async () => {
  const folder = newFolder();
  const pages = new DiskPages(folder, 1000);
  for (const key of ['a', 'b', 'c']) await pages.put(key, page(1));
  const damaged = await readFile(join(folder, 'a.page'));
  damaged[50]! ^= 1;
  await writeFile(join(folder, 'a.page'), damaged);
  await writeFile(join(folder, 'b.page'), damaged.subarray(0, 3));
  for (const store of [pages, new DiskPages(folder, 1000)]) {
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => store.get(key)))).toEqual([
      undefined,
      undefined,
      Buffer.from(page(1)),
      undefined,
    ]);
    expect(store.has('a')).toBe(false);
  }
  expect(await readdir(folder)).toEqual(['c.page']);
});

test('what a process left half-written goes, once nobody can be at it any more', async () => {
  const folder = newFolder();
  await mkdir(folder);
  await writeFile(join(folder, 'old.tmp'), '');
  await writeFile(join(folder, 'new.tmp'), '');
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(folder, 'old.tmp'), anHourAgo, anHourAgo);
  expect(await new DiskPages(folder, 1000).get('a')).toBeUndefined();
  expect(await readdir(folder)).toEqual(['new.tmp']);
});

test('use is remembered over processes', async () => {
  const folder = newFolder();
  const first = new DiskPages(folder, 300);
  const [early, late] = [new Date(1e12), new Date(2e12)];
  for (const key of ['a', 'b', 'c']) {
    await first.put(key, page(1));
    await utimes(join(folder, `${key}.page`), key === 'b' ? early : late, key === 'b' ? early : late);
  }
  await new DiskPages(folder, 300).put('d', page(1));
  expect((await readdir(folder)).sort()).toEqual(['a.page', 'c.page', 'd.page']);
});

test('pages of other processes are counted, and ones that they deleted are not missed', async () => {
  const folder = newFolder();
  const one = new DiskPages(folder, 1600);
  const other = new DiskPages(folder, 1600);
  await other.get('');
  for (let i = 0; i < 16; i++) await one.put(`one-${i}`, page(1));
  for (let i = 0; i < 8; i++) await other.put(`other-${i}`, page(2));
  expect((await readdir(folder)).length).toBeLessThanOrEqual(16);
  expect(await other.get('other-7')).toEqual(Buffer.from(page(2)));
  expect(await one.get('one-0')).toBeUndefined();
  expect(one.has('one-0')).toBe(false);
});

test('on a full disk it makes do with what it has', async () => {
  const folder = newFolder();
  const pages = new DiskPages(folder, 1000);
  for (let i = 0; i < 4; i++) await pages.put(`${i}`, page(i));
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
  vi.mocked(promises.writeFile).mockRejectedValueOnce(full);
  await pages.put('5', page(5));
  expect(await pages.get('5')).toBeUndefined();
  await pages.put('6', page(6)); // for the oldest
  expect((await readdir(folder)).sort()).toEqual(['1.page', '2.page', '3.page', '6.page']);
});

test('a folder that cannot be made keeps nothing, and one that vanished is made again', async () => {
  const file = newFolder();
  await writeFile(file, '');
  const nowhere = new DiskPages(join(file, 'below'), 1000);
  await nowhere.put('a', page(1));
  expect(await nowhere.get('a')).toBeUndefined();
  const folder = newFolder();
  const pages = new DiskPages(folder, 1000);
  await pages.put('a', page(1));
  await promises.rm(folder, { recursive: true });
  expect(await pages.get('a')).toBeUndefined();
  await pages.put('a', page(2));
  expect(await pages.get('a')).toEqual(Buffer.from(page(2)));
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { scratchFolder } from '../scratch.js';

const PAGE = 4096;
const PAGES = 64;
const LIMIT = 40 * PAGE;

/** Reads pages at random and compares them with what the file must hold, until it has read so many. */
const reader = (dist: string, file: string, folder: string, seed: number, reads: number) => `
  import { cachingFileSystem, localFileSystem } from ${JSON.stringify(dist)};
  const fs = cachingFileSystem(localFileSystem(), { bytes: ${LIMIT}, folder: ${JSON.stringify(folder)}, pageBytes: ${PAGE} });
  let state = ${seed};
  for (let i = 0; i < ${reads}; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const page = (state >>> 8) % ${PAGES};
    for await (const chunk of fs.read(${JSON.stringify(file)}, { start: page * ${PAGE}, end: (page + 1) * ${PAGE} })) {
      if (chunk.length !== ${PAGE} || chunk.some((byte) => byte !== page)) throw new Error('wrong bytes in page ' + page);
    }
    if (i === 20) console.log('going');
  }`;

test('processes share a folder, also when some are killed: what they read is right, and the bound is kept', async () => {
  const scratch = await scratchFolder();
  const dist = new URL('../../../dist/files/index.js', import.meta.url).href;
  const file = join(scratch, 'file');
  const folder = join(scratch, 'cache');
  await writeFile(file, Buffer.concat(Array.from({ length: PAGES }, (_, page) => Buffer.alloc(PAGE, page))));
  await utimes(file, 1e9, 1e9);
  const start = (seed: number, reads: number): ChildProcess => {
    const code = reader(dist, file, folder, seed, reads);
    return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const survivors = [1, 2].map((seed) => once(start(seed, 1500), 'exit'));
  for (let seed = 3; seed < 6; seed++) {
    const victim = start(seed, 1e9);
    await once(victim.stdout!, 'data');
    await sleep(seed);
    victim.kill('SIGKILL');
    await once(victim, 'exit');
  }
  for (const [code] of await Promise.all(survivors)) expect(code).toBe(0);
  const last = start(6, 200);
  expect((await once(last, 'exit'))[0]).toBe(0);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.page'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(LIMIT);
});

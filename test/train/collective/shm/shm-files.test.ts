import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Mesh } from '../../../../src/train/collective/mesh.js';
import { flagsOf, SLOTS, shmLayout } from '../../../../src/train/collective/shm/layout.js';
import { openShmFiles, type ShmFiles } from '../../../../src/train/collective/shm/shm-files.js';
import { EXCHANGE_BYTES } from '../../../../src/train/collective/transport.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shardfeed-shm-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Ranks that can only send each other messages; `alter` may change what is sent. */
function talkers(worldSize: number, alter = (message: object, _from: number): object => message): Mesh[] {
  const queues = new Map<string, { sent: unknown[]; waiting: ((message: unknown) => void)[] }>();
  const queue = (from: number, to: number) => {
    const key = `${from} ${to}`;
    if (!queues.has(key)) queues.set(key, { sent: [], waiting: [] });
    return queues.get(key)!;
  };
  return Array.from({ length: worldSize }, (_, rank) => {
    const mesh: Pick<Mesh, 'rank' | 'worldSize' | 'send' | 'receive'> = {
      rank,
      worldSize,
      send(to, message) {
        const { sent, waiting } = queue(rank, to);
        const copy = JSON.parse(JSON.stringify(alter(message, rank)));
        const taker = waiting.shift();
        if (taker === undefined) sent.push(copy);
        else taker(copy);
      },
      receive(from) {
        const { sent, waiting } = queue(from, rank);
        if (sent.length > 0) return Promise.resolve(sent.shift());
        return new Promise((resolve) => waiting.push(resolve));
      },
    };
    return mesh as Mesh;
  });
}

const open = (meshes: Mesh[], folders = meshes.map(() => folder), layout = shmLayout(meshes.length)) =>
  Promise.all(meshes.map((mesh, r) => openShmFiles(mesh, layout, new Set(), folders[r])));

test('all ranks get the files of all, which only their owner may read and which have no names any more', async () => {
  const modes: number[] = [];
  const meshes = talkers(3, (message) => {
    if ('name' in message) void stat(join(folder, String(message.name))).then(({ mode }) => modes.push(mode & 0o777));
    return message;
  });
  const opened = (await open(meshes)) as ShmFiles[];
  for (const { files } of opened) expect(files).toHaveLength(3);
  expect(await readdir(folder)).toEqual([]);
  expect(new Set(modes)).toEqual(new Set([0o600]));
  for (const { close } of opened) close();
});

test('ranks that do not see the same folder are told so, all the same, and nothing is left behind', async () => {
  const other = join(folder, 'of another host');
  await mkdir(other);
  const opened = await open(talkers(3), [folder, folder, other]);
  for (const each of opened) expect(each).toEqual({ no: 'ranks 2 and 0 do not see the same /dev/shm' });
  expect(await readdir(other)).toEqual([]);
  expect(await readdir(folder)).toEqual(['of another host']);
});

test('another file of the same name is found out', async () => {
  const other = join(folder, 'of another host');
  await mkdir(other);
  const layout = shmLayout(2);
  const meshes = talkers(2, (message, from) => {
    // Rank 1 finds a file of the right size where rank 0 has its own.
    if (from === 0 && 'name' in message) {
      writeFileSync(join(other, String(message.name)), Buffer.alloc(layout.fileBytes));
    }
    return message;
  });
  for (const each of await open(meshes, [folder, other])) {
    expect(each).toEqual({ no: expect.stringMatching(/^ranks \d and \d do not see the same/) });
  }
});

test.each([
  ['a folder that is not there', { folder: 'missing' }, /^rank 1: ENOENT/],
  ['another architecture', { platform: 'linux s390x BE' }, /^rank 0: it is on .*, rank 1 on linux s390x BE/],
])(
  '%s: no rank has files, and all know why',
  async (_, { folder: name, platform }: { folder?: string; platform?: string }, why) => {
    const meshes = talkers(3, (message, from) =>
      from === 1 && platform !== undefined && 'platform' in message ? { ...message, platform } : message,
    );
    const opened = await open(meshes, [folder, name === undefined ? folder : join(folder, name), folder]);
    for (const each of opened) expect(each).toEqual({ no: expect.stringMatching(why) });
    expect(new Set(opened.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  },
);

test('a name that leads elsewhere is refused', async () => {
  const meshes = talkers(2, (message) => ('name' in message ? { ...message, name: '../etc/passwd' } : message));
  await expect(open(meshes)).rejects.toThrow();
});

test('what killed ranks have left is removed after a minute', async () => {
  const [old, young, foreign] = ['a', 'b', 'c'].map((letter) => `shardfeed-${letter.repeat(32)}`);
  for (const name of [old!, young!, `${foreign!}.txt`]) await writeFile(join(folder, name), '');
  await utimes(join(folder, old!), 0, 0);
  for (const opened of (await open(talkers(2))) as ShmFiles[]) opened.close();
  expect((await readdir(folder)).sort()).toEqual([young, `${foreign!}.txt`].sort());
});

test.each([1, 2, 3, 4, 5, 16, 100])('%d ranks: nothing in a file overlaps', (worldSize) => {
  const layout = shmLayout(worldSize);
  const flags = flagsOf(worldSize);
  expect(flags.heard(worldSize - 1)).toBe(layout.flagCount - 1);
  const places = [
    [layout.nonce, 32],
    [layout.flags, layout.flagCount],
    [layout.exchange(0), 4 + EXCHANGE_BYTES],
    [layout.exchange(1), 4 + EXCHANGE_BYTES],
    ...Array.from({ length: worldSize * SLOTS }, (_, i) => [
      layout.slot(Math.floor(i / SLOTS), i % SLOTS),
      layout.slotBytes,
    ]),
  ] as [number, number][];
  places.sort(([a], [b]) => a - b);
  for (const [i, [at, bytes]] of places.entries()) {
    expect(at + bytes).toBeLessThanOrEqual(places[i + 1]?.[0] ?? layout.fileBytes);
  }
  if (worldSize < 16) expect(worldSize * layout.fileBytes).toBeLessThan(10 << 20);
});

import { afterAll, expect, test } from 'vitest';
import { fakeCluster, fakeServer } from '../fake-server.js';
import { testCluster } from '../support/cluster.js';
import { bytesOf, namesIn, openCluster, writeFile } from '../support/file-systems.js';

const ROOT = '/driver';
const MIB = 1 << 20;
const cluster = await testCluster('plain');
const fs = await openCluster(cluster);
await fs.mkdir(ROOT);
afterAll(() => fs.delete(ROOT));

test('blocks: in order, without gaps, each on two data nodes; of a range those that it touches', async () => {
  const path = `${ROOT}/blocks`;
  await writeFile(fs, path, bytesOf(3 * MIB + 5));
  const blocks = await fs.blockLocations!(path);
  expect(blocks.map(({ start, end }) => [start, end])).toEqual([
    [0, MIB],
    [MIB, 2 * MIB],
    [2 * MIB, 3 * MIB],
    [3 * MIB, 3 * MIB + 5],
  ]);
  for (const { hosts } of blocks) expect(hosts).toEqual(['127.0.0.1', '127.0.0.1']);
  const some = await fs.blockLocations!(path, { start: MIB + 1, end: 2 * MIB + 1 });
  expect(some.map(({ start }) => start)).toEqual([MIB, 2 * MIB]);
  await expect(fs.blockLocations!(`${ROOT}/none`)).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
});

test('block locations of a server that knows only the older operation', async () => {
  const path = `${ROOT}/blocks of old`;
  await writeFile(fs, path, bytesOf(3 * MIB + 5));
  const server = await fakeServer(async ({ op, query }) => {
    if (op === 'GETFILEBLOCKLOCATIONS') {
      return { exception: 'IllegalArgumentException', message: `No enum constant GetOpParam.Op.${op}`, status: 400 };
    }
    const answer = await fetch(`http://${cluster.nn[0]!.http}/webhdfs/v1${encodeURI(path)}?${query}`);
    return { json: await answer.json() };
  });
  const older = await fakeCluster([server]);
  expect(await older.blockLocations!(path)).toEqual(await fs.blockLocations!(path));
  const some = { start: MIB + 1, end: 2 * MIB + 1 };
  expect(await older.blockLocations!(path, some)).toEqual(await fs.blockLocations!(path, some));
  expect(server.asked.map((asked) => asked.split(' ')[0])).toEqual([
    ...['GETFILEBLOCKLOCATIONS', 'GET_BLOCK_LOCATIONS', 'GETFILEBLOCKLOCATIONS', 'GET_BLOCK_LOCATIONS'],
  ]);
});

test('checksum: what Hadoop says, the same for the same bytes', async () => {
  for (const name of ['one', 'same']) await writeFile(fs, `${ROOT}/${name}`, bytesOf(2 * MIB));
  await writeFile(fs, `${ROOT}/other`, bytesOf(2 * MIB, 2));
  const [one, same, other] = await Promise.all(['one', 'same', 'other'].map((name) => fs.checksum!(`${ROOT}/${name}`)));
  expect(same).toEqual(one);
  expect(other!.value).not.toBe(one!.value);
  const [, algorithm, value] = (await cluster.tool('dfs', ['-checksum', `${ROOT}/one`])).trim().split('\t');
  expect(one!.algorithm).toBe(algorithm);
  expect(value).toContain(one!.value.slice(0, 56));
});

test('owner, group and mode', async () => {
  await writeFile(fs, `${ROOT}/mine`, bytesOf(1));
  await cluster.tool('dfs', ['-chown', 'alice:users', `${ROOT}/mine`]);
  await cluster.tool('dfs', ['-chmod', '640', `${ROOT}/mine`]);
  expect(await fs.stat(`${ROOT}/mine`)).toMatchObject({ owner: 'alice', group: 'users', permission: 0o640 });
});

test('a folder of more entries than a name node lists at once', async () => {
  const names = Array.from({ length: 2_500 }, (_, i) => `d${String(i).padStart(5, '0')}`);
  let next = 0;
  const make = async () => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) await fs.mkdir(`${ROOT}/many/${name}`);
  };
  await Promise.all(Array.from({ length: 8 }, make));
  expect(await namesIn(fs, `${ROOT}/many`)).toEqual(names);
});

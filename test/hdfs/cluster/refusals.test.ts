import { beforeAll, describe, expect, it } from 'vitest';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { bytesOf, namesIn, openCluster, readFile, writeFile } from '../support/file-systems.js';

const MIB = 1 << 20;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await testCluster('plain');
});

describe('a space quota', () => {
  it('that is hit amid a file: an error says so, and nothing is left', async () => {
    const fs = await openCluster(cluster);
    await fs.mkdir('/tmp/quota');
    await cluster.tool('dfsadmin', ['-setSpaceQuota', String(8 * MIB), '/tmp/quota']);
    const bytes = bytesOf(12 * MIB);
    await expect(writeFile(fs, '/tmp/quota/file', bytes)).rejects.toMatchObject({
      code: 'SHARDFEED_NO_SPACE',
      path: '/tmp/quota/file',
    });
    expect(await namesIn(fs, '/tmp/quota')).toEqual([]);
    expect(await fs.freeSpace!('/tmp/quota/file')).toBe(4 * MIB);
    await writeFile(fs, '/tmp/quota/small', bytes.subarray(0, 2 * MIB));
    expect(await fs.freeSpace!('/tmp/quota/file')).toBe(2 * MIB);
  });
});

describe('permissions', () => {
  it('that are missing: an error names the path and the user, at once', async () => {
    const alice = await openCluster(cluster, { user: 'alice' });
    const fs = await openCluster(cluster);
    const before = await namesIn(fs, '/');
    await writeFile(fs, '/tmp/private/secret', bytesOf(1000));
    await cluster.tool('dfs', ['-chmod', '700', '/tmp/private']);
    const denied = (path: string) => ({
      code: 'SHARDFEED_PERMISSION',
      path,
      message: expect.stringMatching(/user=alice/),
    });
    await expect(readFile(alice, '/tmp/private/secret')).rejects.toMatchObject(denied('/tmp/private/secret'));
    await expect(alice.stat('/tmp/private/secret')).rejects.toMatchObject(denied('/tmp/private/secret'));
    await expect(alice.delete('/tmp/private/secret')).rejects.toMatchObject(denied('/tmp/private/secret'));
    await expect(alice.mkdir('/alice')).rejects.toMatchObject(denied('/alice'));
    await expect(writeFile(alice, '/file', bytesOf(3 * MIB))).rejects.toMatchObject(denied('/file'));
    await expect(writeFile(alice, '/file', bytesOf(10))).rejects.toMatchObject(denied('/file'));
    expect(await namesIn(fs, '/')).toEqual(before);
  });
});

describe('a second writer of one file', () => {
  it('loses, whoever it is, and the file is one of the two', async () => {
    const [one, two] = [await openCluster(cluster), await openCluster(cluster)];
    const contents = [bytesOf(3 * MIB, 1), bytesOf(3 * MIB, 2)];
    const tries = await Promise.allSettled([
      writeFile(one, '/tmp/raced/file', contents[0]!),
      writeFile(two, '/tmp/raced/file', contents[1]!),
    ]);
    const winner = tries.findIndex(({ status }) => status === 'fulfilled');
    expect(tries[1 - winner]).toMatchObject({ status: 'rejected', reason: { code: 'SHARDFEED_EXISTS' } });
    expect(Buffer.compare(await readFile(one, '/tmp/raced/file'), contents[winner]!)).toBe(0);
    expect(await namesIn(one, '/tmp/raced')).toEqual(['file']);
  });
});

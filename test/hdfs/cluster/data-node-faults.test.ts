import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FileSystem } from '../../../src/files/index.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { bytesOf, namesIn, openCluster, openProxied, readFile, sha256, writeFile } from '../support/file-systems.js';

const SIXTY_SECONDS = 60_000;
const BYTES = bytesOf(12 << 20);

/** The DataNode that serves the latest exchange of an operation. */
function serving(
  cluster: TestCluster,
  exchanges: readonly { op: string; role: string; upstream: string }[],
  op: string,
) {
  const upstream = exchanges.findLast((exchange) => exchange.role === 'data' && exchange.op === op)?.upstream;
  return cluster.dn.find(({ http }) => http === upstream)!.id;
}

/** Writes a file as a job does: again from its start where an upload broke off. */
async function writePatiently(
  fs: FileSystem,
  path: string,
  between?: (written: number) => Promise<void>,
): Promise<number> {
  for (let attempts = 1; ; attempts++) {
    try {
      await writeFile(fs, path, BYTES, attempts === 1 ? between : undefined);
      return attempts;
    } catch (error) {
      expect(error).toMatchObject({ code: 'SHARDFEED_WRITE_INTERRUPTED', path });
      expect((await namesIn(fs, path.slice(0, path.lastIndexOf('/')))).filter((name) => !name.startsWith('.'))).toEqual(
        [],
      );
    }
  }
}

describe('a DataNode dies', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await testCluster('plain');
  });
  afterEach(async () => {
    for (const { id } of cluster.dn) await cluster.spawn(id);
  });

  it(
    'amid a write: the file is written again, whole, and nothing half-written has its name meanwhile',
    async () => {
      await using proxied = await openProxied(cluster);
      const { fs, proxy } = proxied;
      let victim: string | undefined;
      const attempts = await writePatiently(fs, '/tmp/dn-write/file', async (written) => {
        if (written < 4 << 20 || victim !== undefined) return;
        victim = serving(cluster, proxy.exchanges, 'CREATE');
        await cluster.kill(victim);
      });
      expect(attempts).toBeGreaterThan(1);
      expect(sha256(await readFile(fs, '/tmp/dn-write/file'))).toBe(sha256(BYTES));
      expect(await namesIn(fs, '/tmp/dn-write')).toEqual(['file']);
    },
    SIXTY_SECONDS,
  );

  it(
    'amid a write, and it only had copies: the writer does not notice',
    async () => {
      await using proxied = await openProxied(cluster);
      const { fs, proxy } = proxied;
      let killed = false;
      const attempts = await writePatiently(fs, '/tmp/dn-copy/file', async (written) => {
        if (written < 4 << 20 || killed) return;
        killed = true;
        const server = serving(cluster, proxy.exchanges, 'CREATE');
        await cluster.kill(cluster.dn.find(({ id }) => id !== server)!.id);
      });
      expect(attempts).toBe(1);
      expect(sha256(await readFile(fs, '/tmp/dn-copy/file'))).toBe(sha256(BYTES));
    },
    SIXTY_SECONDS,
  );

  it(
    'amid a read: the rest comes from another replica',
    async () => {
      await using proxied = await openProxied(cluster, { reads: { rangeBytes: 2 << 20, parallel: 2 } });
      const { fs, proxy } = proxied;
      await writeFile(fs, '/tmp/dn-read/file', BYTES);
      let killed = false;
      const read = await readFile(fs, '/tmp/dn-read/file', async (length) => {
        if (length < 3 << 20 || killed) return;
        killed = true;
        await cluster.kill(serving(cluster, proxy.exchanges, 'OPEN'));
      });
      expect(sha256(read)).toBe(sha256(BYTES));
    },
    SIXTY_SECONDS,
  );

  it('and with it all replicas: an error names the file and what was tried, and later it can be read', async () => {
    const fs = await openCluster(cluster, { retry: { patience: 3000 } });
    await writeFile(fs, '/tmp/dn-all/file', BYTES.subarray(0, 3 << 20));
    for (const { id } of cluster.dn) await cluster.kill(id);
    await expect(readFile(fs, '/tmp/dn-all/file')).rejects.toMatchObject({
      code: expect.stringMatching(/^SHARDFEED_HDFS_(UNREACHABLE|BLOCK_MISSING)$/),
      message: expect.stringMatching(/cannot read \/tmp\/dn-all\/file: .*127\.0\.0\.1:\d+.*gave up after \d+ attempts/),
      path: '/tmp/dn-all/file',
    });
    await expect(writeFile(fs, '/tmp/dn-all/other', BYTES)).rejects.toMatchObject({
      code: expect.stringMatching(/^SHARDFEED_(HDFS_UNREACHABLE|WRITE_INTERRUPTED)$/),
    });
    for (const { id } of cluster.dn) await cluster.spawn(id);
    expect(sha256(await readFile(fs, '/tmp/dn-all/file'))).toBe(sha256(BYTES.subarray(0, 3 << 20)));
    expect((await namesIn(fs, '/tmp/dn-all')).filter((name) => !name.startsWith('.'))).toEqual(['file']);
  }, 120_000);
});

import { expect, test } from 'vitest';
import { type FakeAnswer, fakeCluster, fakeServer, script } from './fake-server.js';

/** What Hadoop 2 says of an operation that came later. */
function unknown(op: string): FakeAnswer {
  const message = `Invalid value for webhdfs parameter "op": No enum constant org.apache.hadoop.hdfs.web.resources.GetOpParam.Op.${op}`;
  return { exception: 'IllegalArgumentException', message, status: 400 };
}

test('a server without batches lists in one piece', async () => {
  const entry = (pathSuffix: string) => ({ pathSuffix, type: 'FILE', length: 1, modificationTime: 1 });
  const FileStatuses = { FileStatus: [entry('b'), entry('a')] };
  const server = await fakeServer(
    script({ LISTSTATUS_BATCH: unknown('LISTSTATUS_BATCH'), LISTSTATUS: { json: { FileStatuses } } }),
  );
  const names: string[] = [];
  for await (const { path } of (await fakeCluster([server])).list('/x')) names.push(path);
  expect(names).toEqual(['/x/a', '/x/b']);
});

test('free space is what the quotas leave where the disks are not told', async () => {
  const QuotaUsage = { spaceQuota: 1_000, spaceConsumed: 400 };
  const server = await fakeServer(
    script({
      GETSTATUS: unknown('GETSTATUS'),
      GETSERVERDEFAULTS: { json: { FsServerDefaults: { replication: 3 } } },
      GETQUOTAUSAGE: { json: { QuotaUsage } },
    }),
  );
  expect(await (await fakeCluster([server])).freeSpace!('/x')).toBe(200);
});

test('blocks are told by the older operation', async () => {
  const block = { blockId: 1, blockPoolId: 'BP-1', generationStamp: 1, numBytes: 10 };
  const locations = [{ hostName: 'one.example', ipAddr: '10.0.0.1' }];
  const server = await fakeServer(
    script({
      GETFILEBLOCKLOCATIONS: unknown('GETFILEBLOCKLOCATIONS'),
      GET_BLOCK_LOCATIONS: { json: { LocatedBlocks: { locatedBlocks: [{ block, startOffset: 20, locations }] } } },
    }),
  );
  const blocks = await (await fakeCluster([server])).blockLocations!('/x');
  expect(blocks).toEqual([{ start: 20, end: 30, hosts: ['one.example'] }]);
});

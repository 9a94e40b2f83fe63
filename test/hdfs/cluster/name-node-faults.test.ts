import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { startFaultProxy } from '../support/fault-proxy.mjs';
import { bytesOf, namesIn, openCluster, readFile, sha256, writeFile } from '../support/file-systems.js';

const SIXTY_SECONDS = 60_000;
const BYTES = bytesOf(300_000);

/** Ids of the NameNodes, the active one first. */
async function activeFirst(cluster: TestCluster): Promise<string[]> {
  const states = await Promise.all(
    cluster.nn.map(async ({ id, http }) => {
      const answer = await fetch(`http://${http}/jmx?qry=Hadoop:service=NameNode,name=NameNodeStatus`);
      const { beans } = (await answer.json()) as { beans: { State: string }[] };
      return { id, active: beans[0]?.State === 'active' };
    }),
  );
  return states.sort((a, b) => Number(b.active) - Number(a.active)).map(({ id }) => id);
}

describe('two NameNodes', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await testCluster('ha');
  });
  afterEach(async () => {
    for (const { id } of cluster.nn) await cluster.spawn(id);
  });

  /** Writes and reads small files until `event` is over, and five after it. */
  async function workDuring(event: Promise<unknown>, folder: string): Promise<void> {
    const fs = await openCluster(cluster);
    let over = false;
    event.then(
      () => {
        over = true;
      },
      () => {},
    );
    let count = 0;
    for (let after = 0; after < 5; count++) {
      if (over) after++;
      await writeFile(fs, `${folder}/${count}.tmp`, BYTES);
      await fs.rename(`${folder}/${count}.tmp`, `${folder}/${count}`);
      expect(sha256(await readFile(fs, `${folder}/${count}`))).toBe(sha256(BYTES));
    }
    await event;
    const expected = Array.from({ length: count }, (_, i) => String(i)).sort();
    expect(await namesIn(fs, folder)).toEqual(expected);
  }

  it(
    'change over in good order while a job runs: it goes on',
    async () => {
      const [active, standby] = await activeFirst(cluster);
      await workDuring(cluster.tool('haadmin', ['-failover', active!, standby!]), '/tmp/graceful');
      expect((await activeFirst(cluster))[0]).toBe(standby);
    },
    SIXTY_SECONDS,
  );

  it(
    'change over because the active one was killed while a job runs: it goes on',
    async () => {
      const [active, standby] = await activeFirst(cluster);
      const event = async () => {
        await sleep(300);
        await cluster.kill(active!);
        await cluster.tool('haadmin', ['-failover', active!, standby!]);
      };
      await workDuring(event(), '/tmp/killed');
    },
    SIXTY_SECONDS,
  );

  it('are asked in the order of the configuration, and the active one is remembered', async () => {
    const [active, standby] = await activeFirst(cluster);
    const http = (id: string | undefined) => cluster.nn.find((daemon) => daemon.id === id)!.http;
    const proxy = await startFaultProxy({ names: [http(standby), http(active)] });
    try {
      const configuration = new Map([
        ['dfs.nameservices', 'ns1'],
        ['dfs.ha.namenodes.ns1', 'a,b'],
        ['dfs.namenode.http-address.ns1.a', proxy.addressOf(http(standby))!],
        ['dfs.namenode.http-address.ns1.b', proxy.addressOf(http(active))!],
        ['dfs.namenode.rpc-address.ns1.a', '127.0.0.1:1'],
        ['dfs.namenode.rpc-address.ns1.b', '127.0.0.1:1'],
      ]);
      const fs = await openCluster(cluster, { configuration, authority: 'ns1' });
      await writeFile(fs, '/tmp/ordered/file', BYTES);
      expect(sha256(await readFile(fs, '/tmp/ordered/file'))).toBe(sha256(BYTES));
      const asked = proxy.exchanges.filter(({ role }) => role === 'name').map(({ upstream }) => upstream);
      expect(asked[0]).toBe(http(standby));
      expect(asked.filter((upstream) => upstream === http(standby)).length).toBeLessThan(5);
      expect(asked.at(-1)).toBe(http(active));
    } finally {
      await proxy[Symbol.asyncDispose]();
    }
  });

  it('are both standby: an error says so, and names them', async () => {
    const [active] = await activeFirst(cluster);
    await cluster.tool('haadmin', ['-transitionToStandby', active!]);
    try {
      const fs = await openCluster(cluster, { retry: { patience: 2000 } });
      await expect(fs.stat('/tmp')).rejects.toMatchObject({
        code: 'SHARDFEED_HDFS_STANDBY',
        message: expect.stringMatching(
          new RegExp(cluster.nn.map(({ http }) => `(?=.*${http}: StandbyException)`).join('')),
        ),
      });
    } finally {
      await cluster.tool('haadmin', ['-transitionToActive', active!]);
    }
  });
});

describe('one NameNode', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await testCluster('plain');
  });

  it(
    'starts anew, in safe mode at first: what was asked for meanwhile is done',
    async () => {
      const fs = await openCluster(cluster);
      await writeFile(fs, '/tmp/restarted/before', BYTES);
      await cluster.kill('nn1');
      const pending = [
        writeFile(fs, '/tmp/restarted/after', BYTES),
        readFile(fs, '/tmp/restarted/before').then((read) => expect(sha256(read)).toBe(sha256(BYTES))),
      ];
      await Promise.all([...pending, sleep(500).then(() => cluster.spawn('nn1'))]);
      expect(await namesIn(fs, '/tmp/restarted')).toEqual(['after', 'before']);
      expect(sha256(await readFile(fs, '/tmp/restarted/after'))).toBe(sha256(BYTES));
    },
    SIXTY_SECONDS,
  );

  it(
    'is in safe mode: writers wait until it leaves it; an error says so where it does not',
    async () => {
      const fs = await openCluster(cluster);
      await writeFile(fs, '/tmp/safe/before', BYTES);
      await cluster.tool('dfsadmin', ['-safemode', 'enter']);
      const pending = writeFile(fs, '/tmp/safe/waits', BYTES);
      const impatient = await openCluster(cluster, { retry: { patience: 1000 } });
      try {
        await expect(writeFile(impatient, '/tmp/safe/not', BYTES)).rejects.toMatchObject({
          code: 'SHARDFEED_HDFS_SAFE_MODE',
          message: expect.stringContaining('SafeModeException'),
        });
        expect(sha256(await readFile(fs, '/tmp/safe/before'))).toBe(sha256(BYTES));
      } finally {
        await cluster.tool('dfsadmin', ['-safemode', 'leave']);
      }
      await pending;
      expect(await namesIn(fs, '/tmp/safe')).toEqual(['before', 'waits']);
    },
    SIXTY_SECONDS,
  );
});

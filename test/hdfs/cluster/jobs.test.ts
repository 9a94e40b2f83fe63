import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultCampaign } from '../../campaigns/hdfs-faults.mjs';
import { killCampaign, look, writeCsv } from '../../campaigns/kill-convert.mjs';
import { hdfsPlace, localPlace, type Place, startTool } from '../../campaigns/places.mjs';
import { randomOf } from '../../random.mjs';
import { SEED } from '../../support/seed.js';
import { type TestCluster, testCluster } from '../support/cluster.js';

const SIXTY_SECONDS = 60_000;

const local = mkdtempSync(join(tmpdir(), 'shardfeed-jobs-'));
const csv = join(local, 'table.csv');
let print: string | undefined;
beforeAll(async () => {
  await writeCsv(csv, 300_000, randomOf(1));
  const disk = localPlace();
  await convert(disk, 'dataset').ended;
  print = await look(disk, 'dataset');
  await disk.remove('');
});
afterAll(() => rmSync(local, { recursive: true, force: true }));

const convert = (place: Pick<Place, 'env' | 'uri'>, target: string) =>
  startTool(place, ['convert', csv, '--to', place.uri(target), '--partitions', '4']);

describe('conversions to a cluster', () => {
  let cluster: TestCluster;
  let place: Place;
  beforeAll(async () => {
    cluster = await testCluster('plain');
    place = await hdfsPlace(cluster, '/jobs');
  });

  it('that are killed leave the old dataset or the new one, whole, and the next run cleans up', async () => {
    const killed = await hdfsPlace(cluster, '/killed');
    const found = await killCampaign({ count: 3, seed: SEED, rows: 20_000, place: killed });
    expect(found.none + found.old + found.new).toBe(3);
  });

  it('through a network that breaks a tenth of all exchanges make the same dataset, or none', async () => {
    const found = await faultCampaign({ cluster, count: 3, seed: SEED, rate: 0.1, rows: 20_000 });
    expect(found.faults).toBeGreaterThan(0);
  });

  it(
    'survive the death of a DataNode',
    async () => {
      const job = convert(place, 'bereft');
      await sleep(600);
      await cluster.kill('dn1');
      try {
        expect(await job.ended).toMatchObject({ code: 0 });
        expect(await look(place, 'bereft')).toBe(print);
        expect(await place.names('')).toEqual(['bereft']);
      } finally {
        await cluster.spawn('dn1');
      }
    },
    SIXTY_SECONDS,
  );

  it('two at a time to one place: one wins, the other says so', async () => {
    const runs = await Promise.all([convert(place, 'wanted').ended, convert(place, 'wanted').ended]);
    expect(runs.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(runs.find(({ code }) => code === 1)!.stderr).toMatch(/SHARDFEED_(BUSY|EXISTS): .*\/jobs\/wanted/);
    expect(await look(place, 'wanted')).toBe(print);
  });

  it('that hit a quota say so and leave nothing', async () => {
    await place.make('small');
    await cluster.tool('dfsadmin', ['-setSpaceQuota', String(12 << 20), '/jobs/small']);
    const { code, stderr } = await convert(place, 'small/dataset').ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('SHARDFEED_NO_SPACE')]);
    expect(await place.names('small')).toEqual([]);
  });
});

it(
  'a conversion survives a change of the active NameNode',
  async () => {
    const cluster = await testCluster('ha');
    const env = { HADOOP_CONF_DIR: cluster.confDir, HADOOP_USER_NAME: 'hdfs' };
    const place = { env, uri: (path: string) => `hdfs://ns1/tmp/${path}` };
    const job = convert(place, 'changed');
    await sleep(600);
    const [from, to] = (await cluster.tool('haadmin', ['-getServiceState', 'nn1'])).startsWith('active')
      ? ['nn1', 'nn2']
      : ['nn2', 'nn1'];
    await cluster.tool('haadmin', ['-failover', from, to]);
    expect(await job.ended).toMatchObject({ code: 0 });
    expect(await startTool(place, ['verify', place.uri('changed')]).ended).toMatchObject({ code: 0 });
  },
  SIXTY_SECONDS,
);

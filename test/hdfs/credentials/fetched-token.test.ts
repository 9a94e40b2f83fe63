import { describe, expect, it } from 'vitest';
import { ShardfeedError } from '../../../src/errors.js';
import { type FetchedTokenOptions, fetchedToken } from '../../../src/hdfs/credentials/fetched-token.js';
import { simpleCredentials } from '../../../src/hdfs/credentials.js';
import { FakeCluster, target } from './fake-cluster.js';

const NN1 = target('http://nn1:9870', 'ns1');
const NN2 = target('http://nn2:9870', 'ns1');
const OTHER = target('http://other:9870', 'ns2');

function open(options: FetchedTokenOptions = {}) {
  const cluster = new FakeCluster();
  const credentials = fetchedToken(simpleCredentials('alice'), { now: () => cluster.now, ...options });
  const show = async (nameNode = NN1, context = cluster.context): Promise<string> =>
    (await credentials.query!(nameNode, context)).delegation!;
  return { cluster, credentials, show };
}

const FETCH = ['GETDELEGATIONTOKEN', 'RENEWDELEGATIONTOKEN'];
const RENEW = ['RENEWDELEGATIONTOKEN'];

describe('a fetched delegation token', () => {
  it('is fetched once for a cluster, by whoever we are, and shown alone', async () => {
    const { cluster, credentials, show } = open();
    const [first, ...others] = await Promise.all([show(NN1), show(NN2), show(NN1)]);
    expect(others).toEqual([first, first]);
    expect(cluster.ops).toEqual(FETCH);
    expect(cluster.asked[0]).toEqual({ method: 'GET', op: FETCH[0], query: { 'user.name': 'alice' }, headers: {} });
    expect(cluster.asked[1]).toMatchObject({ method: 'PUT', query: { 'user.name': 'alice', token: first } });
    expect(await show(OTHER)).not.toBe(first);
    expect(credentials.secrets!()).toHaveLength(2);
  });

  it('is renewed by the first request after 75 % of its life', async () => {
    const { cluster, show } = open();
    const token = await show();
    cluster.now += 740;
    expect(await show()).toBe(token);
    expect(cluster.ops).toEqual(FETCH);
    cluster.now += 20;
    expect(await Promise.all([show(), show(NN2)])).toEqual([token, token]);
    expect(cluster.ops).toEqual([...FETCH, ...RENEW]);
  });

  it('gives way to a new one once its days are counted, and after a pause longer than its life', async () => {
    const { cluster, show } = open();
    const token = await show();
    for (let i = 0; i < 2; i++) {
      cluster.now += 900;
      expect(await show()).toBe(token);
    }
    cluster.now += 900; // renewed until 2,800 of 3,000
    expect(await show()).toBe(token);
    cluster.now += 290; // no renewal leads beyond 3,000
    const second = await show();
    expect(second).not.toBe(token);
    expect(cluster.ops).toEqual([...FETCH, ...RENEW, ...RENEW, ...RENEW, ...RENEW, ...FETCH]);
    cluster.now += 5000;
    expect(await show()).not.toBe(second);
    expect(cluster.ops.slice(-2)).toEqual(FETCH);
  });

  it('that somebody else renews is fetched anew instead', async () => {
    const { cluster, show } = open({ renewer: 'yarn' });
    const token = await show();
    expect(cluster.asked[0]!.query).toEqual({ 'user.name': 'alice', renewer: 'yarn' });
    cluster.now += 19 * 3600_000;
    expect(await show()).not.toBe(token);
    expect(cluster.ops).toEqual(['GETDELEGATIONTOKEN', 'GETDELEGATIONTOKEN']);
  });

  it('that is refused is fetched anew, by whoever was refused', async () => {
    const { cluster, credentials, show } = open();
    const token = await show();
    const refusal = new ShardfeedError('SHARDFEED_HDFS_AUTH', 'it was cancelled');
    const refused = (): Promise<boolean> => credentials.rejected!(NN1, refusal, cluster.context);
    expect(await Promise.all([refused(), refused()])).toEqual([true, true]);
    const [second, third] = await Promise.all([show(), show(NN2)]);
    expect(second).not.toBe(token);
    expect(third).toBe(second);
  });

  it('serves to its end where it cannot be renewed, and is not tried at each request', async () => {
    const { cluster, show } = open();
    cluster.lifeMs = cluster.maxMs = 200_000;
    const token = await show();
    cluster.now += 160_000;
    cluster.failure = new ShardfeedError('SHARDFEED_HDFS_AUTH', 'no ticket; kinit');
    expect([await show(), await show()]).toEqual([token, token]);
    expect(cluster.ops).toEqual([...FETCH, 'RENEWDELEGATIONTOKEN', 'GETDELEGATIONTOKEN']);
    cluster.now += 50_000;
    await expect(show()).rejects.toMatchObject({
      code: 'SHARDFEED_HDFS_AUTH',
      message:
        'the delegation token for ns1 expired at 2023-11-14T22:16:40.000Z, and no new one can be had: no ticket; kinit',
    });
  });

  it('is passed to another name node where the first is on standby', async () => {
    const { cluster, show } = open();
    const standby = Object.assign(new Error('standby'), { code: 'SHARDFEED_HDFS_STANDBY' });
    cluster.failure = standby;
    await expect(show(NN1)).rejects.toBe(standby);
    cluster.failure = undefined;
    expect(await show(NN2)).toBe(await show(NN1));
  });

  it('still comes for the others where the one who fetches it gives up', async () => {
    const { cluster, show } = open();
    const controller = new AbortController();
    const { context } = cluster;
    const leaving = show(NN1, {
      signal: controller.signal,
      ask: async (request) => {
        await context.ask(request);
        throw new ShardfeedError('SHARDFEED_ABORTED', 'aborted');
      },
    });
    const staying = show(NN1);
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    expect(await staying).toBe(await show());
  });

  it('is an error where the cluster has none to give', async () => {
    const { show } = open();
    await expect(show(NN1, { ask: async () => ({ Token: null }) })).rejects.toThrow('gives no delegation token');
  });
});

import { describe, expect, it } from 'vitest';
import { ShardfeedError } from '../../../src/errors.js';
import { fetchedToken } from '../../../src/hdfs/credentials/fetched-token.js';
import { kerberosCredentials } from '../../../src/hdfs/credentials/kerberos.js';
import { proxyUser } from '../../../src/hdfs/credentials/proxy-user.js';
import { FakeCluster, target } from './fake-cluster.js';

const NN1 = target('https://nn1.example.com:9871', 'ns1');
const NN2 = target('https://nn2.example.com:9871', 'ns1');
const COOKIE = 'hadoop.auth="u=alice&p=alice@EXAMPLE.COM&t=kerberos&e=1795441123055&s=chZpTmYf3dWG="';

function open() {
  const services: string[] = [];
  const credentials = kerberosCredentials(async (service) => {
    services.push(service);
    return `ticket-${services.length}`;
  });
  const headers = (nameNode = NN1) => credentials.headers!(nameNode, new FakeCluster().context);
  return { services, credentials, headers };
}

describe('Kerberos', () => {
  it('negotiates with each name node by its own name, then shows its cookie', async () => {
    const { services, credentials, headers } = open();
    expect(await headers()).toEqual({ authorization: 'Negotiate ticket-1' });
    credentials.answered!(NN1, { 'set-cookie': ['x=1', `${COOKIE}; Path=/; HttpOnly`] });
    expect(await headers()).toEqual({ cookie: COOKIE });
    expect(await headers(NN2)).toEqual({ authorization: 'Negotiate ticket-2' });
    expect(services).toEqual(['HTTP@nn1.example.com', 'HTTP@nn2.example.com']);
    expect(credentials.secrets!()).toEqual([COOKIE.slice('hadoop.auth='.length)]);
  });

  it('negotiates again once a cookie is refused or taken back; a ticket that is refused is not tried again', async () => {
    const { credentials, headers } = open();
    const refusal = new ShardfeedError('SHARDFEED_HDFS_AUTH', '401');
    const { context } = new FakeCluster();
    expect(await credentials.rejected!(NN1, refusal, context)).toBe(false);
    credentials.answered!(NN1, { 'set-cookie': [COOKIE] });
    const refused = (): Promise<boolean> => credentials.rejected!(NN1, refusal, context);
    expect(await Promise.all([refused(), refused()])).toEqual([true, true]);
    expect(await headers()).toHaveProperty('authorization');
    credentials.answered!(NN1, { 'set-cookie': [COOKIE] });
    credentials.answered!(NN1, { 'set-cookie': ['hadoop.auth=; Path=/; HttpOnly'] });
    expect(await headers()).toHaveProperty('authorization');
  });

  it('without a ticket says what to do', async () => {
    const cause = new Error('No Kerberos credentials available');
    const credentials = kerberosCredentials(() => Promise.reject(cause));
    await expect(credentials.headers!(NN1, new FakeCluster().context)).rejects.toMatchObject({
      code: 'SHARDFEED_HDFS_AUTH',
      message: expect.stringMatching(/HTTP@nn1.example.com: No Kerberos credentials available. Log in with kinit/),
      cause,
    });
  });

  it('fetches its token by ticket, for the user it acts for, and again with a new ticket where a cookie is stale', async () => {
    const { credentials, headers } = open();
    const cluster = new FakeCluster();
    credentials.answered!(NN1, { 'set-cookie': [COOKIE] });
    const fetched = fetchedToken(proxyUser(credentials, 'bob'), { now: () => cluster.now });
    const { context } = cluster;
    const ask: typeof context.ask = (request) => {
      if (request.headers!.cookie === undefined) return context.ask(request);
      throw Object.assign(new Error('401'), { code: 'SHARDFEED_HDFS_AUTH' });
    };
    const shown = await fetched.query!(NN1, { ask });
    expect(Object.keys(shown)).toEqual(['delegation']);
    expect(cluster.asked.map(({ query, headers }) => [query!.doas, headers!.authorization])).toEqual([
      ['bob', 'Negotiate ticket-1'],
      ['bob', 'Negotiate ticket-2'],
    ]);
    expect(await headers()).toHaveProperty('authorization');
  });
});

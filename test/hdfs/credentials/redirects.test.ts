import { describe, expect, it } from 'vitest';
import { checkRedirects, type RedirectOptions } from '../../../src/hdfs/credentials/redirects.js';
import { tokenText } from './fake-cluster.js';

const ADDRESSES: Record<string, string[]> = {
  'nn1.hadoop.example.com': ['10.0.0.1'],
  'dn7.hadoop.example.com': ['10.0.3.7'],
  'dn.other.example.com': ['203.0.113.5'],
  'liar.example.com': ['10.0.0.9', '169.254.169.254'],
  'loop.example.com': ['127.0.0.1'],
  'evil.example.net': ['203.0.113.66'],
  'nn1.alias': ['10.0.0.1'],
  namenode: ['172.18.0.2'],
  datanode: ['172.18.0.3'],
  localhost: ['127.0.0.1', '::1'],
};
const resolve: RedirectOptions['resolve'] = async (host) => ADDRESSES[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : []);

const PATH = '/webhdfs/v1/data/a%20b%2B%C3%A9';
const check = (to: string, from = `http://nn1.hadoop.example.com:9870${PATH}?op=OPEN`, options: RedirectOptions = {}) =>
  checkRedirects({ resolve, ...options })(to, new URL(from));
const at = (origin: string): string => `${origin}${PATH}?op=OPEN`;

describe('a redirect is followed', () => {
  it.each([
    ['to the host itself', 'http://nn1.hadoop.example.com:9864', 'http://nn1.hadoop.example.com:9870'],
    ['within the domain', 'http://dn7.hadoop.example.com:9864', 'http://nn1.hadoop.example.com:9870'],
    ['to a sister domain', 'http://dn.other.example.com:9864', 'http://nn1.hadoop.example.com:9870'],
    ['to an address of the same private network', 'http://10.99.0.1:9864', 'http://nn1.hadoop.example.com:9870'],
    ['between containers', 'http://datanode:9864', 'http://namenode:9870'],
    ['to another name of the same machine', 'http://nn1.alias:9864', 'http://nn1.hadoop.example.com:9870'],
    ['from https to https', 'https://dn7.hadoop.example.com:9865', 'https://nn1.hadoop.example.com:9871'],
    ['from http to https', 'https://dn7.hadoop.example.com:9865', 'http://nn1.hadoop.example.com:9870'],
    ['on this machine', 'http://127.0.0.1:9864', 'http://localhost:9870'],
  ])('%s', async (_, to, from) => {
    expect(String(await check(at(to), at(from)))).toBe(at(to));
  });

  it('as it stands, with what the name node put into it', async () => {
    const to = `http://dn7.hadoop.example.com:9864/webhdfs/v1/data/a%20b+%c3%a9?op=open&delegation=x&namenoderpcaddress=ns1`;
    expect(String(await check(to))).toBe(to);
  });
});

describe('a redirect is refused', () => {
  it.each([
    ['to nowhere', 'elsewhere', 'no absolute URL'],
    ['to another scheme', at('ftp://dn7.hadoop.example.com'), 'only http and https'],
    ['to a file', 'file:///etc/passwd', 'only http and https'],
    ['with a password', at('http://a:b@dn7.hadoop.example.com'), 'user name or password'],
    ['to another path', 'http://dn7.hadoop.example.com/webhdfs/v1/data/b?op=OPEN', 'another path'],
    ['out of WebHDFS', 'http://dn7.hadoop.example.com/jmx?op=OPEN', 'another path'],
    ['to another operation', `http://dn7.hadoop.example.com${PATH}?op=DELETE`, 'another operation'],
    ['to a foreign domain', at('http://evil.example.net:9864'), 'not known to belong'],
    ['to a public address', at('http://203.0.113.66:9864'), 'not known to belong'],
    ['to another private network', at('http://192.168.1.1'), 'not known to belong'],
    ['to what has no address', at('http://dn9.hadoop.example.com'), 'not known to belong'],
    ['to the metadata of a cloud', at('http://169.254.169.254'), 'not known to belong'],
    ['to the same in disguise', at('http://2852039166'), 'not known to belong'],
    ['to the same in IPv6', at('http://[::ffff:169.254.169.254]'), 'not known to belong'],
    ['to a name that leads there', at('http://liar.example.com'), 'not known to belong'],
    ['to this machine', at('http://127.0.0.1:9864'), 'not known to belong'],
    ['to a name that leads to this machine', at('http://loop.example.com'), 'not known to belong'],
    ['to no machine', at('http://0.0.0.0:9864'), 'not known to belong'],
  ])('%s', async (_, to, why) => {
    await expect(check(to)).rejects.toMatchObject({
      code: 'SHARDFEED_HDFS_REDIRECT',
      message: expect.stringContaining(why),
    });
  });

  it('from https to http', async () => {
    const from = at('https://nn1.hadoop.example.com:9871');
    await expect(check(at('http://dn7.hadoop.example.com:9864'), from)).rejects.toThrow('from https to http');
  });

  it('from one loopback address to another', async () => {
    await expect(check(at('http://127.0.0.2:9864'), at('http://127.0.0.1:9870'))).rejects.toThrow(
      'not known to belong',
    );
  });

  it('without showing the token in it', async () => {
    const error = await check(`${at('http://evil.example.net')}&delegation=${tokenText()}`).catch(
      (error: Error) => error,
    );
    expect(String(error)).not.toContain(tokenText());
    expect(String(error)).toContain('evil.example.net');
  });
});

describe('allowRedirect', () => {
  const foreign = at('http://dn1.data.example.net:9864');
  it('names hosts and domains beside those known', async () => {
    for (const pattern of ['dn1.data.example.net', '*.data.example.net', '*.NET']) {
      expect(String(await check(foreign, undefined, { allowRedirect: [pattern] }))).toBe(foreign);
    }
    for (const pattern of ['*.other.example.net', 'data.example.net', '*.a.example.net']) {
      await expect(check(foreign, undefined, { allowRedirect: [pattern] })).rejects.toThrow('not known');
    }
  });

  it('or decides alone on the host, not on scheme and path', async () => {
    const asked: string[] = [];
    const allowRedirect = (location: URL, nameNode: URL): boolean => {
      asked.push(`${nameNode.host} ${location.host}`);
      return location.port === '9864';
    };
    expect(String(await check(foreign, undefined, { allowRedirect }))).toBe(foreign);
    await expect(check(at('http://dn7.hadoop.example.com:1'), undefined, { allowRedirect })).rejects.toThrow(
      'not known',
    );
    expect(asked).toEqual([
      'nn1.hadoop.example.com:9870 dn1.data.example.net:9864',
      'nn1.hadoop.example.com:9870 dn7.hadoop.example.com:1',
    ]);
    const down = check(foreign, at('https://nn1.hadoop.example.com'), { allowRedirect: () => true });
    await expect(down).rejects.toThrow('https to http');
  });
});

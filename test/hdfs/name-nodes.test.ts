import { expect, test } from 'vitest';
import { findNameNodes } from '../../src/hdfs/index.js';

const HA = {
  'fs.defaultFS': 'hdfs://ns1',
  'dfs.nameservices': 'ns1, ns2',
  'dfs.ha.namenodes.ns1': 'nn1,nn2',
  'dfs.namenode.rpc-address.ns1.nn1': 'one:8020',
  'dfs.namenode.rpc-address.ns1.nn2': 'two:8020',
  'dfs.namenode.http-address.ns1.nn1': 'one:50070',
  'dfs.namenode.http-address.ns1.nn2': '0.0.0.0:50071',
  'dfs.namenode.https-address.ns1.nn1': 'one:50470',
  'dfs.namenode.rpc-address.ns2': 'three:8020',
};

test.each([
  ['a name service: all its name nodes', 'hdfs', 'ns1', HA, ['http://one:50070', 'http://two:50071']],
  ['no authority: the default file system', 'hdfs', '', HA, ['http://one:50070', 'http://two:50071']],
  ['no authority over webhdfs', 'webhdfs', '', HA, ['http://one:50070', 'http://two:50071']],
  ['a name service over webhdfs', 'webhdfs', 'ns1', HA, ['http://one:50070', 'http://two:50071']],
  [
    'TLS: its own addresses, else the host and the standard port',
    'swebhdfs',
    'ns1',
    HA,
    ['https://one:50470', 'https://two:9871'],
  ],
  [
    'a policy of TLS alone',
    'hdfs',
    'ns1',
    { ...HA, 'dfs.http.policy': 'HTTPS_ONLY' },
    ['https://one:50470', 'https://two:9871'],
  ],
  ['a federated name service with one name node', 'hdfs', 'ns2', HA, ['http://three:9870']],
  ['an RPC address that the configuration knows', 'hdfs', 'one:8020', HA, ['http://one:50070']],
  ['an RPC address that it does not know', 'hdfs', 'other:8020', HA, ['http://other:9870']],
  ['no port', 'hdfs', 'other', {}, ['http://other:9870']],
  ['webhdfs: the HTTP address itself', 'webhdfs', 'host:1234', HA, ['http://host:1234']],
  ['the default port of HTTP is a port', 'webhdfs', 'host:80', {}, ['http://host']],
  ['an IPv6 address', 'webhdfs', '[::1]:1234', {}, ['http://[::1]:1234']],
  ['a gateway', 'httpfs', 'gate', {}, ['http://gate:14000']],
  [
    'a single name node',
    'hdfs',
    'nn:8020',
    { 'fs.defaultFS': 'hdfs://nn:8020/', 'dfs.namenode.http-address': '0.0.0.0:50070' },
    ['http://nn:50070'],
  ],
] as const)('%s', (_, scheme, authority, properties, expected) => {
  const found = findNameNodes({ scheme, authority }, new Map(Object.entries(properties)));
  expect(found.map(({ origin }) => origin)).toEqual(expected);
});

test('a gateway is told by its scheme or its port', () => {
  const gateway = (scheme: 'httpfs' | 'webhdfs', authority: string) =>
    findNameNodes({ scheme, authority }, new Map()).map((target) => target.gateway);
  expect([gateway('httpfs', 'h:1'), gateway('webhdfs', 'h:14000'), gateway('webhdfs', 'h')]).toEqual([
    [true],
    [true],
    [false],
  ]);
});

test('a gateway is not to be had by its name node', () => {
  const find = () => findNameNodes({ scheme: 'httpfs', authority: '' }, new Map(Object.entries(HA)));
  expect(find).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_USAGE', message: expect.stringContaining('httpfs://HOST:PORT') }),
  );
});

test.each([
  [
    'no authority and no default',
    '',
    {},
    /hdfs:\/\/\/ names no cluster, and fs.defaultFS is not set: set HADOOP_CONF_DIR/,
  ],
  ['a default that is no HDFS', '', { 'fs.defaultFS': 's3a://bucket' }, /fs.defaultFS is s3a:\/\/bucket/],
  ['a user in the address', 'me:secret@host', {}, /no HOST or HOST:PORT/],
  ['name nodes without addresses', 'ns', { 'dfs.ha.namenodes.ns': 'a' }, /neither dfs.namenode.http-address.ns.a nor/],
])('%s is refused', (_, authority, properties, message) => {
  const find = () => findNameNodes({ scheme: 'hdfs', authority }, new Map(Object.entries(properties)));
  expect(find).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE', message: expect.stringMatching(message) }));
});

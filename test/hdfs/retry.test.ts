import { expect, test } from 'vitest';
import { type FakeAnswer, fakeCluster, fakeServer, fileStatus, script } from './fake-server.js';

const STANDBY: FakeAnswer = { exception: 'StandbyException', message: 'Operation category READ is not supported' };

test.each<[name: string, fault: FakeAnswer]>([
  ['a reset', 'reset'],
  ['silence', 'nothing'],
  ['an empty 500', { status: 500 }],
  ['a 503 in HTML', { status: 503, body: '<html><title>busy</title></html>' }],
  ['garbage for JSON', { status: 200, body: '{"FileSta' }],
  ['garbage for HTTP', { raw: '\x16\x03\x01 not HTTP\r\n\r\n' }],
  ['JSON of something else', { json: { Other: 1 } }],
  ['an empty answer', { status: 200 }],
  ['an answer that breaks off', { bytes: Buffer.from('{"FileStatus":{}}'), declare: 17, cutAfter: 5 }],
  ['safe mode', { exception: 'SafeModeException', message: 'Name node is in safe mode.\nIt was turned on manually.' }],
  ['a RetriableException', { exception: 'RetriableException', message: 'NameNode still not started' }],
  ['standby', STANDBY],
])('%s is tried again', async (_, fault) => {
  const server = await fakeServer(script({ GETFILESTATUS: [fault, fault, fileStatus(5)] }));
  const fs = await fakeCluster([server]);
  expect(await fs.stat('/x')).toMatchObject({ path: '/x', type: 'file', size: 5, owner: 'alice', permission: 0o644 });
  expect(server.asked).toHaveLength(3);
});

test.each<[answer: FakeAnswer, code: string, message: RegExp]>([
  [
    { exception: 'AccessControlException', message: 'Permission denied: user=alice' },
    'PERMISSION',
    /Permission denied: user=alice/,
  ],
  [{ status: 401, body: '<html>' }, 'HDFS_AUTH', /wants credentials \(HTTP 401\)/],
  [
    { exception: 'SecurityException', message: 'InvalidToken: token expired', status: 403 },
    'HDFS_AUTH',
    /token expired/,
  ],
  [
    { exception: 'AuthorizationException', message: 'hdfs is not allowed to impersonate bob' },
    'PERMISSION',
    /impersonate/,
  ],
  [{ status: 404, body: '<html><title>Error 404 Not Found</title>' }, 'IO', /is this the HTTP port of a name node/],
  [
    { exception: 'DSQuotaExceededException', message: 'quota of /q\n\tat org.apache.X.y(Z.java:1)' },
    'NO_SPACE',
    /quota of \/q$/,
  ],
])('%o is not', async (answer, code, message) => {
  const server = await fakeServer(script({ MKDIRS: answer }));
  const fs = await fakeCluster([server]);
  await expect(fs.mkdir('/x')).rejects.toMatchObject({
    code: `SHARDFEED_${code}`,
    message: expect.stringMatching(message),
    path: '/x',
  });
  expect(server.asked).toHaveLength(1);
});

test('the active name node is found, remembered, and looked for again when it fails', async () => {
  let active = 1;
  const answers = (id: number) => () => (id === active ? fileStatus(id) : STANDBY);
  const servers = [await fakeServer(answers(0)), await fakeServer(answers(1)), await fakeServer(answers(2))];
  const fs = await fakeCluster(servers);
  for (let i = 0; i < 3; i++) expect((await fs.stat('/x')).size).toBe(1);
  expect(servers.map(({ asked }) => asked.length)).toEqual([1, 3, 0]);
  active = 0;
  expect((await fs.stat('/x')).size).toBe(0);
  active = 2;
  await servers[1]!.close();
  expect((await fs.stat('/x')).size).toBe(2);
});

test('an error lists what was tried, once each', async () => {
  const [gone, standby] = [await fakeServer(() => 'reset'), await fakeServer(() => STANDBY)];
  await gone.close();
  const fs = await fakeCluster([gone, standby], { retry: { patience: 300, pause: 10 } });
  const error = await fs.stat('/x').catch((reason: unknown) => reason as Error);
  const message = expect.stringMatching(
    new RegExp(
      `^cannot look at /x: ${gone.address}: it refuses the connection \\(ECONNREFUSED\\) \\(\\d+ times\\); ` +
        `${standby.address}: StandbyException: Operation .* \\(\\d+ times\\); gave up after \\d+ attempts in \\d+ s$`,
    ),
  );
  expect(error).toMatchObject({ message, path: '/x' });
});

test('a wait ends when the caller gives up', async () => {
  const server = await fakeServer(() => STANDBY);
  const fs = await fakeCluster([server], { retry: { patience: 60_000, pause: 30_000, longestPause: 30_000 } });
  const controller = new AbortController();
  const asking = fs.stat('/x', { signal: controller.signal });
  setTimeout(() => controller.abort('enough'), 100);
  await expect(asking).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED', path: '/x', cause: 'enough' });
});

test('credentials that were renewed are tried once', async () => {
  const server = await fakeServer(({ query }) =>
    query.get('delegation') === 'two' ? fileStatus(1) : { exception: 'InvalidToken', message: `token one of ${query}` },
  );
  let token = 'one';
  const rejected = async () => {
    token = 'two';
    return true;
  };
  const credentials = { query: async () => ({ delegation: token }), rejected, secrets: () => ['one'] };
  const fs = await fakeCluster([server], { credentials });
  expect((await fs.stat('/x')).size).toBe(1);
  token = 'one';
  const stuck = await fakeCluster([server], { credentials: { ...credentials, rejected: async () => true } });
  const error = await stuck.stat('/x').catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({ code: 'SHARDFEED_HDFS_AUTH' });
  expect(String(error)).not.toContain('one');
  expect(server.asked).toHaveLength(4);
});

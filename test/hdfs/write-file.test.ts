import { expect, test, vi } from 'vitest';
import type { HdfsOptions } from '../../src/hdfs/index.js';
import { type FakeAnswer, type FakeRequest, fakeCluster, fakeServer } from './fake-server.js';

const MIB = 1 << 20;

interface Spoil {
  /** In place of what the data node would say; `undefined` leaves it. Called with the ordinal of the CREATE. */
  create?: (request: FakeRequest, ordinal: number) => Promise<FakeAnswer | undefined> | FakeAnswer | undefined;
  /** After the rename was done. */
  rename?: (ordinal: number) => FakeAnswer | undefined;
}

/** A cluster that keeps files in memory: enough of it to write one. */
async function writableCluster(spoil: Spoil = {}, options: HdfsOptions = {}) {
  const files = new Map<string, { bytes: Buffer; fileId: number }>();
  const temporaries: string[] = [];
  let [ids, creates, renames] = [0, 0, 0];
  const data = await fakeServer(async (request) => {
    const ordinal = creates++;
    temporaries.push(request.path);
    const spoilt = await spoil.create?.(request, ordinal);
    if (spoilt !== undefined) return spoilt;
    files.set(request.path, { bytes: await request.body(), fileId: ++ids });
    return { status: 201 };
  });
  const name = await fakeServer(({ op, path, query }) => {
    const file = files.get(path);
    if (op === 'MKDIRS') return { json: { boolean: true } };
    if (op === 'CREATE') return { location: `${data.origin}/webhdfs/v1${path}?${query}` };
    if (op === 'DELETE') return { json: { boolean: files.delete(path) } };
    if (file === undefined) return { exception: 'FileNotFoundException', message: `no ${path}`, status: 404 };
    if (op === 'GETFILESTATUS') {
      const { bytes, fileId } = file;
      return { json: { FileStatus: { type: 'FILE', length: bytes.length, modificationTime: 1, fileId } } };
    }
    const to = query.get('destination')!;
    if (files.has(to) && query.get('renameoptions') === 'NONE') {
      return { exception: 'FileAlreadyExistsException', message: `${to} exists` };
    }
    files.set(to, file);
    files.delete(path);
    return spoil.rename?.(renames++) ?? { status: 200 };
  });
  return { fs: await fakeCluster([name], options), files, temporaries, name, data };
}

test('a file gets its name when it is whole', async () => {
  const { fs, files, temporaries } = await writableCluster();
  const writer = await fs.create('/d/x');
  await writer.write(Buffer.from('abc'));
  await writer.close();
  expect([...files].map(([path, { bytes }]) => [path, bytes.toString()])).toEqual([['/d/x', 'abc']]);
  expect(temporaries).toEqual([expect.stringMatching(/^\/d\/\.x\.[0-9a-f]{12}\._COPYING_$/)]);
});

test.each<[name: string, create: NonNullable<Spoil['create']>]>([
  ['is reset', () => 'reset'],
  ['is not answered', () => 'nothing'],
  ['loses its answer', (request) => request.body().then(() => 'reset')],
  ['meets an empty 500', (request) => request.body().then(() => ({ status: 500 }))],
  ['meets safe mode', (request) => request.body().then(() => ({ exception: 'SafeModeException' }))],
])('a small upload that %s is made again under another name', async (_, create) => {
  const { fs, files, temporaries } = await writableCluster({ create: (r, i) => (i < 2 ? create(r, i) : undefined) });
  const writer = await fs.create('/x');
  await writer.write(Buffer.alloc(MIB, 1));
  await writer.close();
  expect([...files.keys()]).toEqual(['/x']);
  expect(files.get('/x')!.bytes.equals(Buffer.alloc(MIB, 1))).toBe(true);
  expect(new Set(temporaries).size).toBe(3);
});

test('a small upload that arrives cut is made again, and the cut one deleted', async () => {
  const { fs, files } = await writableCluster({
    async create(request, i) {
      if (i > 0) return undefined;
      files.set(request.path, { bytes: (await request.body()).subarray(1), fileId: 99 });
      return { status: 201 };
    },
  });
  const writer = await fs.create('/x');
  await writer.write(Buffer.from('abc'));
  await writer.close();
  expect([...files].map(([path, { bytes }]) => [path, bytes.toString()])).toEqual([['/x', 'abc']]);
});

test('a rename whose answer was lost is known by its inode', async () => {
  const { fs, files, name } = await writableCluster({ rename: (i) => (i === 0 ? 'reset' : undefined) });
  const writer = await fs.create('/x');
  await writer.close();
  expect([...files.keys()]).toEqual(['/x']);
  expect(name.asked.filter((one) => one.startsWith('RENAME'))).toHaveLength(2);
});

test('another file of the name is not taken for ours', async () => {
  const { fs, files } = await writableCluster();
  const writer = await fs.create('/x');
  files.set('/x', { bytes: Buffer.from('theirs'), fileId: 1000 });
  await expect(writer.close()).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS', path: '/x' });
  expect([...files].map(([path, { bytes }]) => [path, bytes.toString()])).toEqual([['/x', 'theirs']]);
});

test('a large upload streams, any sizes of pieces', async () => {
  const { fs, files } = await writableCluster();
  const writer = await fs.create('/x');
  const pieces = [1, MIB - 1, 1, 100_000, 3 * MIB, 0, 700_000, 700_000, 5].map((size, i) => Buffer.alloc(size, i + 1));
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    await writer.write(lent);
    lent.fill(0);
  }
  await writer.close();
  expect(files.get('/x')!.bytes.equals(Buffer.concat(pieces))).toBe(true);
});

test.each<[name: string, answer: FakeAnswer, code: string]>([
  ['breaks off', 'reset', 'WRITE_INTERRUPTED'],
  ['is answered too early', { status: 201 }, 'WRITE_INTERRUPTED'],
  ['meets a 500', { status: 500 }, 'WRITE_INTERRUPTED'],
  ['meets a quota', { exception: 'DSQuotaExceededException', message: 'quota of /q' }, 'NO_SPACE'],
  ['meets a refusal', { exception: 'AccessControlException', message: 'no' }, 'PERMISSION'],
])('a large upload that %s is an error, and leaves nothing', async (_, answer, code) => {
  const { fs, files } = await writableCluster({
    create: async (request) => {
      files.set(request.path, { bytes: Buffer.alloc(5), fileId: 5 });
      await new Promise((resolve) => setTimeout(resolve, 50));
      return answer;
    },
  });
  const writer = await fs.create('/x');
  const writing = async () => {
    for (let i = 0; i < 40; i++) await writer.write(Buffer.alloc(MIB));
    await writer.close();
  };
  await expect(writing()).rejects.toMatchObject({ code: `SHARDFEED_${code}`, path: '/x' });
  expect(files.size).toBe(0);
  await expect(writer.write(Buffer.alloc(1))).rejects.toMatchObject({ code: 'SHARDFEED_IO' });
  await writer.abort();
});

test('a large upload that arrives cut is an error', async () => {
  const { fs, files } = await writableCluster({
    async create(request) {
      files.set(request.path, { bytes: (await request.body()).subarray(1), fileId: 5 });
      return { status: 201 };
    },
  });
  const writer = await fs.create('/x');
  for (let i = 0; i < 3; i++) await writer.write(Buffer.alloc(MIB));
  await expect(writer.close()).rejects.toMatchObject({
    code: 'SHARDFEED_WRITE_INTERRUPTED',
    message: expect.stringMatching(/3145727 of 3145728 bytes arrived/),
  });
  expect(files.size).toBe(0);
});

test('a producer may be slow; a server may not', async () => {
  const { fs, files } = await writableCluster({}, { timeouts: { idle: 100 } });
  const writer = await fs.create('/x');
  for (let i = 0; i < 3; i++) {
    await writer.write(Buffer.alloc(MIB + 1));
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await writer.close();
  expect(files.get('/x')!.bytes).toHaveLength(3 * MIB + 3);
});

test('abort leaves no connection', async () => {
  const { fs, data } = await writableCluster();
  const writer = await fs.create('/x');
  for (let i = 0; i < 3; i++) await writer.write(Buffer.alloc(MIB));
  expect(data.sockets.size).toBe(1);
  await writer.abort();
  await vi.waitFor(() => expect(data.sockets.size).toBe(0));
});

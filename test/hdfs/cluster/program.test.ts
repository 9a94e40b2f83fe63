import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { convert, openFiles, verifyRecords } from '../../../dist/index.js';
import { finish, type Ran, run, start } from '../../cli/run.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { nameSpace } from '../support/name-space.js';

let cluster: TestCluster;
let hdfs: ReturnType<typeof nameSpace>;
let local: string;
/** A folder on HDFS that belongs to alice. */
let remote: string;
let count = 0;

beforeAll(async () => {
  cluster = await testCluster('plain');
  hdfs = nameSpace(cluster);
  local = await mkdtemp(join(tmpdir(), 'shardfeed-program-'));
  await writeFile(join(local, 'table.csv'), table(60_000));
  await writeFile(join(local, 'spec.json'), JSON.stringify(SPEC));
});
afterAll(() => rm(local, { recursive: true }));
beforeEach(async () => {
  remote = `/tmp/program-${randomBytes(4).toString('hex')}`;
  await hdfs.make(remote, 'alice');
});

const SPEC = {
  inputs: { id: { type: 'int' }, name: { type: 'str', default: '' }, x: { type: 'float', default: 0.5 } },
};

/** 2 MB or so: two blocks of the cluster's. */
function table(rows: number): string {
  const row = (i: number): string => `${i},${i % 5 === 0 ? `"a ""${i}"",\nb"` : `name of the row ${i}`},${i / 8}\n`;
  return `id,name,x\n${Array.from({ length: rows }, (_, i) => row(i)).join('')}`;
}

/** What stands before a path of the cluster's in every command. */
const uri = (name: string): string => `hdfs://${remote}/${name}`;

function shardfeed(args: readonly string[], user = 'alice'): Promise<Ran> {
  return run(args, { env: environment(user), cwd: local });
}
function environment(user: string): Record<string, string> {
  return { HADOOP_CONF_DIR: cluster.confDir, HADOOP_USER_NAME: user };
}

async function ok(args: readonly string[], user?: string): Promise<string> {
  const { code, stdout, stderr } = await shardfeed(args, user);
  expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const tree = (): Promise<string[]> => hdfs.tree(remote);

async function upload(name: string): Promise<void> {
  await hdfs.write(`${remote}/${name}`, await readFile(join(local, name)));
}

/** Takes a folder of HDFS to local disk. */
async function download(from: string, to: string): Promise<void> {
  for (const name of await hdfs.tree(`${remote}/${from}`)) {
    const { type } = await hdfs.status(`${remote}/${from}/${name}`);
    if (type === 'DIRECTORY') await mkdir(join(local, to, name), { recursive: true });
    else await outputFile(join(local, to, name), await hdfs.read(`${remote}/${from}/${name}`));
  }
}
async function outputFile(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

describe('convert', () => {
  test.each([
    ['ranges', ['--partitions', '3']],
    ['ranges, types inferred', ['--partitions', '3', '--infer']],
    ['parts of a size', ['--target-bytes', '1MiB']],
    ['by hash, gzip', ['--partition-by', 'hash', '--key', 'name', '--partitions', '3', '--compression', 'gzip']],
    ['in turn', ['--partition-by', 'round-robin', '--partitions', '2']],
    ['shuffled, in splits', ['--partition-by', 'shuffle', '--split', 'train=0.8,test=0.2']],
  ])('%s: from HDFS to HDFS makes the same files as on local disk', async (_, options) => {
    await upload('table.csv');
    const args = [...options, ...(options.includes('--infer') ? [] : ['--spec', 'spec.json'])];
    const out = `out-${count++}`;
    await ok(['convert', 'table.csv', '--to', out, ...args]);
    await ok(['convert', uri('table.csv'), '--to', uri('out'), ...args, '--threads', '2']);
    expect(await hdfs.tree(`${remote}/out`)).toEqual(await namesIn(out));
    expect(await tree()).toHaveLength(2 + (await namesIn(out)).length);
    await download('out', `${out}-copy`);
    for (const folder of options.includes('--split') ? ['/train', '/test'] : ['']) {
      const [here, copy] = await Promise.all([out, `${out}-copy`].map((name) => verified(join(local, name + folder))));
      expect(copy).toEqual(here);
    }
  });

  test('a copy to local disk and back has the same fingerprint', async () => {
    const files = openFiles({ hdfs: { configuration: cluster.confDir, authentication: { user: 'alice' } } });
    const first = await convert({ input: join(local, 'table.csv'), output: uri('a'), files, partitions: 2 });
    const here = join(local, 'here');
    const second = await convert({ input: uri('a'), output: here, files, partitions: 2 });
    const third = await convert({ input: here, output: uri('b'), files, partitions: 2 });
    const prints = [first, second, third].map(({ datasets }) => datasets[0]!.fingerprint);
    expect(new Set(prints).size).toBe(1);
    expect((await verifyRecords(uri('b'), { files })).ok).toBe(true);
  });

  test('standard input, compressed input, and bad rows in quarantine', async () => {
    const bad = `id,name,x\n1,a,2\nbad,b,3\n4,c,5\n`;
    const args = ['convert', '-', '--to', uri('out'), '--spec', 'spec.json', '--bad-rows', 'quarantine'];
    const { code, stdout } = await run(args, { input: bad, env: environment('alice'), cwd: local });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('1 bad row left out') });
    const quarantine = new TextDecoder().decode(await hdfs.read(`${remote}/out.quarantine.jsonl`));
    expect(JSON.parse(quarantine)).toMatchObject({ row: 'bad,b,3', line: 3 });
  });
});

/** A table that takes a while to be written. */
async function large(): Promise<string[]> {
  await writeFile(join(local, 'large.csv'), table(400_000));
  return ['large.csv'];
}

async function verified(path: string): Promise<unknown> {
  const { ok, records, bytes, fingerprint } = JSON.parse((await shardfeed(['verify', path, '--json'])).stdout);
  expect(ok).toBe(true);
  return { records, bytes, fingerprint };
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(join(local, folder), { recursive: true })).sort();
}

describe('what reads', () => {
  /** The same dataset at both places, under the same name. */
  async function both(): Promise<void> {
    for (const to of [join(local, 'data/train'), uri('data/train')]) {
      await ok(['convert', 'table.csv', '--to', to, '--partitions', '3', '--spec', 'spec.json', '--overwrite']);
    }
  }

  test('prints what it prints of the same files on local disk', async () => {
    await both();
    const same = async (...args: string[]): Promise<void> => {
      const at = (place: string) => args.map((arg) => arg.replace('@', place));
      const here = await ok(at(join(local, 'data')));
      const there = await ok(at(uri('data')));
      expect(there.replaceAll(uri(''), ''), args.join(' ')).toBe(here.replaceAll(`${local}/`, ''));
    };
    await same('head', '@/train', '-n', '20');
    await same('head', '@/train/part*', '-n', '3', '--json');
    await same('cat', '@/train', '--columns', 'id,x');
    await same('count', '@/train');
    await same('count', '@/train/part*', '--scan', '--parts');
    await same('count', '@/{train,none}/part-r-0000[12]');
    await same('verify', '@/train', '--json');
    await same('stats', '@/train', '--json');
    await same('index', '@/train', '--json');
  });

  test("tf2-onspark's layout as it is: hdfs:///.../train/part*, without manifest or index", async () => {
    await both();
    for (const name of ['_manifest.json', '_index']) await hdfs.delete(`${remote}/data/train/${name}`);
    expect(await ok(['count', uri('data/train/part*')])).toBe('60000\n');
    const read = (await ok(['cat', uri('data/train/part*'), '--columns', 'id'])).trim().split('\n');
    expect(read.map((line) => JSON.parse(line).id)).toEqual(Array.from({ length: 60_000 }, (_, i) => i));
    await ok(['index', uri('data/train')]);
    expect(await tree()).toContain('data/train/_index/part-r-00002.idx');
  });

  test('schema, repair and single files', async () => {
    await both();
    await upload('table.csv');
    const [here, there] = [await ok(['schema', join(local, 'table.csv')]), await ok(['schema', uri('table.csv')])];
    expect(there).toBe(here.replaceAll(join(local, 'table.csv'), uri('table.csv')));
    const one = JSON.parse(await ok(['repair', uri('data/train/part-r-00001'), '--to', uri('copy'), '--json']));
    expect(one).toMatchObject({ records: 20_000, lost: 0, to: `hdfs://${remote}/copy` });
    const bytes = await Promise.all(['data/train/part-r-00001', 'copy'].map((name) => hdfs.read(`${remote}/${name}`)));
    expect(Buffer.from(bytes[0]!).equals(bytes[1]!)).toBe(true);
    expect((await tree()).filter((name) => /_tmp-|_old-|_COPYING_/.test(name))).toEqual([]);
  });
});

describe('the target', () => {
  const args = (...more: string[]): string[] => [
    'convert',
    'table.csv',
    '--to',
    uri('out'),
    '--spec',
    'spec.json',
    ...more,
  ];

  test('is not replaced unless asked, and then at one stroke', async () => {
    await ok(args());
    expect(await shardfeed(args())).toMatchObject({ code: 1, stderr: expect.stringContaining('SHARDFEED_EXISTS') });
    const old = await tree();
    await ok(args('--partitions', '2', '--overwrite'));
    expect(await tree()).not.toEqual(old);
    expect(await ok(['count', uri('out'), '--scan'])).toBe('60000\n');
    expect((await tree()).filter((name) => /_tmp-|_old-|_COPYING_/.test(name))).toEqual([]);
  });

  test('goes to one of two jobs; the other says so', async () => {
    const jobs = await Promise.all([0, 1].map(() => shardfeed(args('--partitions', '8'))));
    expect(jobs.map(({ code }) => code).sort()).toEqual([0, 1]);
    const { stderr } = jobs.find(({ code }) => code === 1)!;
    expect(stderr).toMatch(/SHARDFEED_(BUSY|EXISTS): .*(being written by another job|exists already)/);
    expect(await ok(['verify', uri('out')])).toContain('ok: 60,000 records in 8 files');
    expect((await tree()).filter((name) => !name.startsWith('out'))).toEqual([]);
  });

  test('wants permission, before any work is done', async () => {
    const { code, stderr } = await shardfeed(args(), 'bob');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/SHARDFEED_PERMISSION: .*denied/i) });
    expect(stderr.split('\n').length).toBe(2);
    expect(await tree()).toEqual([]);
  });

  test('needs space: a quota is met early, and nothing is left', async () => {
    await hdfs.spaceQuota(remote, 6 << 20);
    const { code, stderr } = await shardfeed(args('--partitions', '4'));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('SHARDFEED_NO_SPACE') });
    expect(await tree()).toEqual([]);
  });

  test('is held by a job on another machine while that shows that it lives', async () => {
    const job = `${remote}/_tmp-out-p00c0ffeex1x1x12345678`;
    await hdfs.make(job, 'alice');
    for (const name of ['job.json', 'heartbeat']) await hdfs.write(`${job}/${name}`, '');
    expect(await shardfeed(args())).toMatchObject({ code: 1, stderr: expect.stringMatching(/BUSY: hdfs:.*\/out is/) });
    expect(await tree()).toHaveLength(3);
    for (const name of ['job.json', 'heartbeat']) await hdfs.age(`${job}/${name}`, 11 * 60_000);
    await ok(args());
    expect((await tree()).filter((name) => !name.startsWith('out'))).toEqual([]);
  });

  test('may be a gateway', async () => {
    const gateway = `httpfs://${cluster.httpfs[0]!.http}${remote}/out`;
    const by = ['convert', 'table.csv', '--to', gateway, '--spec', 'spec.json'];
    await ok([...by, '--partition-by', 'shuffle']);
    expect(await shardfeed(by)).toMatchObject({ code: 1, stderr: expect.stringContaining('SHARDFEED_EXISTS') });
    await ok([...by, '--overwrite', '--partitions', '2']);
    expect(await ok(['verify', gateway])).toBe(await ok(['verify', uri('out')]));
    expect((await tree()).filter((name) => !name.startsWith('out'))).toEqual([]);
  });

  test.each([
    ['made again from the input', ['--partitions', '2']],
    ['made again from local disk', ['--partition-by', 'hash', '--key', 'id', '--partitions', '2']],
  ])('is whole though a data node dies while it is written: %s', async (_, options) => {
    const job = [...(await large()), '--spec', 'spec.json', ...options];
    const out = `faulty-${count++}`;
    await ok(['convert', ...job, '--to', out]);
    const child = start(['convert', ...job, '--to', uri('out')], { env: environment('alice'), cwd: local });
    const done = finish(child);
    while (!(await tree()).some((name) => name.includes('part-') && name.includes('_COPYING_'))) await sleep(5);
    await cluster.kill('dn1');
    try {
      expect(await done).toMatchObject({ code: 0, stderr: '' });
      const [here, there] = await Promise.all([verified(join(local, out)), verified(uri('out'))]);
      expect(there).toEqual(here);
      expect((await tree()).filter((name) => /_tmp-|_old-|_COPYING_/.test(name))).toEqual([]);
    } finally {
      await cluster.spawn('dn1');
    }
  });

  test('is left alone by a job that is interrupted, which leaves nothing', async () => {
    await ok(args());
    const before = await tree();
    await large();
    const child = start(['convert', 'large.csv', '--to', uri('out'), '--spec', 'spec.json', '--overwrite'], {
      env: environment('alice'),
      cwd: local,
    });
    const done = finish(child);
    while (!(await tree()).some((name) => name.includes('_COPYING_'))) await sleep(5);
    child.kill('SIGINT');
    expect(await done).toMatchObject({ code: 130, stderr: expect.stringContaining('SHARDFEED_ABORTED') });
    expect(await tree()).toEqual(before);
  });
});

test('the command line says where the cluster is and who we are', async () => {
  const env = { HADOOP_CONF_DIR: '', HADOOP_USER_NAME: 'bob' };
  const options = ['--hadoop-conf', cluster.confDir, '--user', 'alice'];
  const args = ['convert', 'table.csv', '--to', uri('out'), '--spec', 'spec.json'];
  expect((await run([...args, ...options], { env, cwd: local })).stderr).toBe('');
  expect((await hdfs.status(`${remote}/out/part-r-00000`)).owner).toBe('alice');
  const { code, stderr } = await run(['count', uri('out'), '--hadoop-conf', '/no/such/folder'], { env });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('/no/such/folder') });
});

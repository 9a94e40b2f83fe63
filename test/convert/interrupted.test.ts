import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import timers from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FileSystem, memoryFileSystem } from '../../dist/files/index.js';
// Worker threads run built files, so the built package is what is tested here.
import {
  type ConvertOptions,
  convert,
  openFiles,
  readRecords,
  repairFile,
  ShardfeedError,
  writeRecords,
} from '../../dist/index.js';
import { flakyFileSystem } from '../files/flaky.js';
import { collect } from '../support/collect.js';

const SPEC = {
  inputs: { id: { type: 'int' }, name: { type: 'str', default: '' }, x: { type: 'float', default: 0.5 } },
};
/** Several chunks of CSV, so that a part has pieces of its own to be made from again. */
const ROWS = 70_000;

let dir: string;
let csv: string;
let spoolDir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shardfeed-interrupted-'));
  spoolDir = await mkdtemp(join(dir, 'spool-'));
  csv = join(dir, 'table.csv');
  const row = (i: number): string => `${i},${i % 5 === 0 ? `"a ""${i}"",\nb"` : `name of the row ${i}`},${i / 8}\n`;
  await writeFile(csv, `id,name,x\n${Array.from({ length: ROWS }, (_, i) => row(i)).join('')}`);
});
afterAll(() => rm(dir, { recursive: true }));

// The pauses between attempts are for networks.
const later = timers.setTimeout;
beforeAll(() => {
  vi.spyOn(timers, 'setTimeout').mockImplementation(((_: number, ...rest: []) => later(1, ...rest)) as typeof later);
  syncBuiltinESMExports();
});
afterAll(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const interrupted = (path: string) =>
  new ShardfeedError('SHARDFEED_WRITE_INTERRUPTED', `${path}: connection reset`, { path });

/** Everything in a file system, by path; of a manifest what does not differ from run to run. */
async function contents(fs: FileSystem, folder = '/'): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path, type } of fs.list(folder)) {
    if (type === 'folder') Object.assign(found, await contents(fs, path));
    else {
      const text = Buffer.concat(await collect(fs.read(path))).toString('latin1');
      found[path] = path.endsWith('_manifest.json') ? JSON.stringify({ ...JSON.parse(text), job: undefined }) : text;
    }
  }
  return found;
}

type Options = Omit<ConvertOptions, 'input' | 'output'> & { input?: ConvertOptions['input'] };

async function run(fs: FileSystem, options: Options): Promise<Record<string, string>> {
  const files = openFiles({ drivers: { memory: fs } });
  await convert({ input: csv, spec: SPEC, threads: 0, spoolDir, ...options, output: 'memory:///data/out', files });
  return contents(fs);
}

async function* stream(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 10_000) yield new TextEncoder().encode(text.slice(at, at + 10_000));
}

const rows = Array.from({ length: 5000 }, (_, id) => ({ id: BigInt(id), name: `row ${id}`, x: id / 4 }));
const badCsv = `id,name,x\n${Array.from({ length: 20_000 }, (_, i) => `${i % 97 === 0 ? 'bad' : i},n,${i}\n`).join('')}`;

const CASES: Record<string, () => Options> = {
  'ranges, made again from CSV': () => ({ partitions: 4 }),
  'ranges, by two threads': () => ({ partitions: 3, threads: 2 }),
  'ranges of many small parts': () => ({ partitions: 40 }),
  'ranges of a schema that is inferred, with statistics': () => ({ partitions: 4, spec: undefined }),
  'parts of a size': () => ({ targetBytes: 600_000 }),
  'parts of a size in splits': () => ({ targetBytes: 600_000, split: { train: 0.7, test: 0.3 } }),
  'ranges in splits, from the spool': () => ({ partitions: 2, split: { train: 0.7, test: 0.3 } }),
  'ranges without the bad rows, in quarantine': () => ({
    input: stream(badCsv),
    partitions: 3,
    badRows: 'quarantine',
  }),
  'parts of a size without the bad rows': () => ({ input: stream(badCsv), targetBytes: 200_000, badRows: 'skip' }),
  'ranges of rows, from the spool': () => ({ input: rows, partitions: 3 }),
  hash: () => ({ partitionBy: 'hash', key: 'name', partitions: 5 }),
  'round-robin, by two threads': () => ({ partitionBy: 'round-robin', partitions: 4, threads: 2 }),
  shuffle: () => ({ partitionBy: 'shuffle', seed: 5, partitions: 3 }),
  'gzip members': () => ({ compression: 'gzip', memberBytes: 100_000, partitions: 3 }),
  'gzip members, by hash': () => ({ compression: 'gzip', partitionBy: 'hash', key: 'name', partitions: 3 }),
  'one gzip member': () => ({ compression: 'gzip', memberBytes: 0, partitions: 3 }),
  'zlib, shuffled': () => ({ compression: 'zlib', partitionBy: 'shuffle', partitions: 2 }),
};

describe('interrupted parts are written again, to the same bytes, and leave nothing behind', () => {
  for (const [name, options] of Object.entries(CASES)) {
    test(name, async () => {
      const expected = await run(memoryFileSystem(), options());
      let breaks = 0;
      for (const seed of [1, 2]) {
        const onBreak = () => breaks++;
        const flaky = { seed, share: 0.3, below: 400_000, interrupted, onBreak };
        expect(await run(flakyFileSystem(memoryFileSystem(), flaky), options())).toEqual(expected);
      }
      expect(breaks).toBeGreaterThan(2);
      expect(await readdir(spoolDir)).toEqual([]);
    });
  }

  test('ranges of TFRecords, also past damage', async () => {
    const input = join(dir, 'records');
    await convert({ input: csv, spec: SPEC, output: input, partitions: 2, compression: 'gzip' });
    const foreign = join(dir, 'foreign');
    await writeRecords(foreign, readRecords(input));
    const damaged = Buffer.concat(await collect(openFiles().resolve(foreign).fs.read(foreign)));
    for (let at = 100_000; at < damaged.length; at += 500_000) damaged[at]! ^= 0xff;
    await writeFile(join(dir, 'damaged'), damaged);
    for (const options of [
      { input, partitions: 5 },
      { input: join(dir, 'damaged'), targetBytes: 500_000, badRows: 'skip' as const },
    ]) {
      const expected = await run(memoryFileSystem(), options);
      const flaky = { seed: 3, share: 0.3, below: 400_000, interrupted };
      expect(await run(flakyFileSystem(memoryFileSystem(), flaky), options)).toEqual(expected);
    }
  });
});

describe('single files', () => {
  const flaky = () =>
    flakyFileSystem(memoryFileSystem(), { seed: 4, share: 0.7, below: 100_000, interrupted }) as FileSystem;

  test('records that come once are written again from local disk', async () => {
    const fs = flaky();
    const files = openFiles({ drivers: { memory: fs } });
    async function* records(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 20_000; i++) yield new TextEncoder().encode(`record ${i}`);
    }
    for (const codec of ['none', 'gzip'] as const) {
      const uri = `memory:///some/${codec}`;
      expect((await writeRecords(uri, records(), { files, codec, spoolDir })).records).toBe(20_000);
      const texts = (await collect(readRecords(uri, { files }))).map((r) => new TextDecoder().decode(r));
      expect(texts).toEqual(Array.from({ length: 20_000 }, (_, i) => `record ${i}`));
    }
    expect(Object.keys(await contents(fs))).toEqual(['/some/gzip', '/some/none']);
    expect(await readdir(spoolDir)).toEqual([]);
  });

  test('a repaired file is repaired again', async () => {
    const source = join(dir, 'plain');
    await writeRecords(source, (await collect(readRecords(await small()))).slice(0, 10_000));
    const bytes = Buffer.concat(await collect(openFiles().resolve(source).fs.read(source)));
    bytes[5000]! ^= 0xff;
    await writeFile(source, bytes);
    const fs = flaky();
    const files = openFiles({ drivers: { memory: fs } });
    const report = await repairFile(source, 'memory:///repaired', { files });
    expect([report.records, report.lost, report.losses.length]).toEqual([9999, 1, 1]);
    expect((await collect(readRecords('memory:///repaired', { files }))).length).toBe(9999);
    expect(Object.keys(await contents(fs))).toEqual(['/repaired']);
  });

  async function small(): Promise<string> {
    const output = join(dir, 'small');
    await convert({ input: csv, spec: SPEC, output, overwrite: true });
    return output;
  }
});

test('a part that is interrupted again and again ends the job, with what was tried, and nothing left', async () => {
  const fs = memoryFileSystem();
  let breaks = 0;
  const broken = flakyFileSystem(fs, {
    seed: 1,
    share: 1,
    below: 1,
    interrupted,
    onBreak: () => breaks++,
  });
  const job = run({ ...broken, create: (path, o) => (path.includes('part-') ? broken : fs).create(path, o) }, {});
  await expect(job).rejects.toMatchObject({
    code: 'SHARDFEED_WRITE_INTERRUPTED',
    path: 'memory:///data/out/part-r-00000',
    message: expect.stringMatching(/written 8 times .* lastly: .*connection reset/),
  });
  expect(breaks).toBe(8);
  expect(await contents(fs)).toEqual({});
});

test('input that changes before a part is written again is an error', async () => {
  const changing = join(dir, 'changing.csv');
  const table = (x: number): string => `id,name,x\n${Array.from({ length: 9 }, (_, i) => `${i},n,${x}\n`).join('')}`;
  await writeFile(changing, table(1));
  let changed: Promise<void> | undefined;
  const onBreak = () => {
    changed ??= writeFile(changing, table(2));
  };
  const fs = flakyFileSystem(memoryFileSystem(), { seed: 1, share: 0, below: 1, interrupted });
  let first = true;
  const create: FileSystem['create'] = async (path, options) => {
    const writer = await fs.create(path, options);
    if (!path.includes('part-') || !first) return writer;
    first = false;
    return {
      ...writer,
      close: () => {
        onBreak();
        return changed!.then(() => Promise.reject(interrupted(path)));
      },
    };
  };
  await expect(run({ ...fs, create }, { input: changing })).rejects.toMatchObject({
    code: 'SHARDFEED_IO',
    message: expect.stringContaining('changed while it was read again'),
  });
});

test('temporary data has its bounds', async () => {
  const fs = flakyFileSystem(memoryFileSystem(), { seed: 1, share: 0, below: 1, interrupted });
  for (const options of [
    { partitionBy: 'shuffle' as const, spoolBytes: 1_000_000 },
    { input: stream(badCsv), spoolBytes: 10_000 },
  ]) {
    await expect(run(fs, options)).rejects.toMatchObject({ code: 'SHARDFEED_NO_SPACE', path: spoolDir });
  }
  expect(await readdir(spoolDir)).toEqual([]);
});

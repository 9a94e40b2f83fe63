import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localFileSystem, openFiles } from '../../dist/files/index.js';
// Worker threads run built files, so the built package is what is tested here.
import { type ConvertOptions, type ConvertResult, convert, decodeExample, ShardfeedError } from '../../dist/index.js';
import { hooked } from '../files/faulty.js';
import { unframed } from './framed.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shardfeed-convert-'));
});
afterEach(() => rm(dir, { recursive: true }));

const SPEC = {
  inputs: { id: { type: 'int' }, name: { type: 'str', default: '' }, x: { type: 'float', default: 0.5 } },
  outputs: { y: { type: 'int' } },
};

/** A table with quoted newlines, doubled quotes and gaps; row i has id i. */
function table(rows: number, from = 0): string {
  const lines = ['id,name,x,y'];
  for (let i = from; i < from + rows; i++) {
    const name = i % 5 === 0 ? `"line ${i}\nand ""more"", yes"` : i % 7 === 0 ? '' : `name ${i}`;
    lines.push(`${i},${name},${i % 3 === 0 ? '' : i / 8},${i % 2}`);
  }
  return `${lines.join('\n')}\n`;
}

async function write(name: string, text: string | Uint8Array): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

const out = (): string => join(dir, 'out');

async function partNames(folder = out()): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('part-')).sort();
}

async function ids(folder = out()): Promise<number[][]> {
  const parts: number[][] = [];
  for (const name of await partNames(folder)) {
    const stored = await readFile(join(folder, name));
    const bytes = name.endsWith('.gz') ? gunzipSync(stored) : name.endsWith('.deflate') ? inflateSync(stored) : stored;
    parts.push(unframed(bytes).map((payload) => Number(decodeExample(payload).id)));
  }
  return parts;
}

async function run(options: Partial<ConvertOptions> & { input: ConvertOptions['input'] }): Promise<ConvertResult> {
  return convert({ output: out(), partitions: 4, spec: SPEC, threads: 0, ...options });
}

const code = (c: string) => expect.objectContaining({ code: c });
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sorted = (list: number[]): number[] => [...list].sort((a, b) => a - b);

describe('range', () => {
  test('parts keep the input order, differ by one row at most, and a manifest, an index and _SUCCESS are beside them', async () => {
    const result = await run({ input: await write('a.csv', table(101)) });
    const parts = await ids();
    expect(parts.flat()).toEqual(upTo(101));
    expect(parts.map((p) => p.length)).toEqual([25, 25, 25, 26]);
    expect(await partNames()).toEqual(['part-r-00000', 'part-r-00001', 'part-r-00002', 'part-r-00003']);
    expect((await readdir(out())).sort()).toEqual(['_SUCCESS', '_index', '_manifest.json', ...(await partNames())]);
    expect(result.records).toBe(101);
    expect(await readdir(dir)).toEqual(['a.csv', 'out']);
  });

  test('targetBytes starts a new part when one is full', async () => {
    await run({ input: await write('a.csv', table(200)), partitions: undefined, targetBytes: 4000 });
    const sizes = await Promise.all(
      (await partNames()).map(async (name) => (await readFile(join(out(), name))).length),
    );
    expect(sizes.length).toBeGreaterThan(3);
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeGreaterThanOrEqual(4000);
      expect(size).toBeLessThan(4300);
    }
    expect((await ids()).flat()).toEqual(upTo(200));
  });

  test('more parts than rows makes empty parts', async () => {
    await run({ input: await write('a.csv', table(2)) });
    expect((await ids()).map((p) => p.length)).toEqual([0, 1, 0, 1]);
  });
});

describe('other partitionings hold every row once', () => {
  test('round-robin deals rows in turn', async () => {
    await run({ input: await write('a.csv', table(10)), partitionBy: 'round-robin' });
    expect(await ids()).toEqual([
      [0, 4, 8],
      [1, 5, 9],
      [2, 6],
      [3, 7],
    ]);
  });

  test('hash keeps equal keys together, whether parts are open or spooled', async () => {
    const lines = ['id,name,x,y', ...upTo(600).map((i) => `${i},k${i % 40},1,0`)];
    const input = await write('a.csv', lines.join('\n'));
    for (const partitions of [7, 100]) {
      await run({ input, partitionBy: 'hash', key: 'name', partitions, overwrite: true });
      const parts = await ids();
      expect(parts.length).toBe(partitions);
      expect(sorted(parts.flat())).toEqual(upTo(600));
      const home = new Map<number, number>();
      parts.forEach((part, p) => {
        for (const id of part) expect(home.get(id % 40) ?? p).toBe(p);
        for (const id of part) home.set(id % 40, p);
      });
    }
  });

  test('shuffle depends on the seed alone', async () => {
    const input = await write('a.csv', table(500));
    await run({ input, partitionBy: 'shuffle', seed: 3 });
    const first = await ids();
    expect(first.map((p) => p.length)).toEqual([125, 125, 125, 125]);
    expect(sorted(first.flat())).toEqual(upTo(500));
    expect(first.flat()).not.toEqual(upTo(500));
    await run({ input, partitionBy: 'shuffle', seed: 3, overwrite: true });
    expect(await ids()).toEqual(first);
    await run({ input, partitionBy: 'shuffle', seed: 4, overwrite: true });
    expect(await ids()).not.toEqual(first);
  });

  test('splits share the rows out by ratio, stable when rows are added', async () => {
    const split = { train: 0.8, test: 0.2 };
    await run({ input: await write('a.csv', table(2000)), partitions: 2, split });
    const train = (await ids(join(out(), 'train'))).flat();
    const test = (await ids(join(out(), 'test'))).flat();
    expect(sorted([...train, ...test])).toEqual(upTo(2000));
    expect(test.length).toBeGreaterThan(320);
    expect(test.length).toBeLessThan(480);
    await run({ input: await write('b.csv', table(2500)), partitions: 2, split, overwrite: true });
    const again = (await ids(join(out(), 'test'))).flat();
    expect(again.filter((id) => id < 2000)).toEqual(test);
  });

  test('each split has statistics of its own', async () => {
    await run({ input: await write('a.csv', table(2000)), spec: undefined, split: { train: 0.8, test: 0.2 } });
    for (const split of ['train', 'test']) {
      const manifest = JSON.parse(String(await readFile(join(out(), split, '_manifest.json'))));
      const numbers = (await ids(join(out(), split))).flat();
      expect(manifest.statistics.records).toBe(numbers.length);
      const id = manifest.statistics.features.find((f: { name: string }) => f.name === 'id');
      expect([id.min, id.max]).toEqual([Math.min(...numbers), Math.max(...numbers)]);
    }
  });

  test('a split by key keeps equal keys on one side', async () => {
    const lines = ['id,name,x,y', ...upTo(400).map((i) => `${i},k${i % 20},1,0`)];
    await run({ input: await write('a.csv', lines.join('\n')), split: { a: 1, b: 1 }, splitKey: 'name' });
    const a = new Set((await ids(join(out(), 'a'))).flat().map((id) => id % 20));
    const b = (await ids(join(out(), 'b'))).flat();
    expect(a.size).toBeGreaterThan(3);
    expect(b.some((id) => a.has(id % 20))).toBe(false);
  });
});

describe('determinism', () => {
  async function digests(folder = out()): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const name of (await readdir(folder, { recursive: true })).sort()) {
      const bytes = await readFile(join(folder, name)).catch(() => undefined);
      if (bytes === undefined) continue;
      const content = name.endsWith('_manifest.json')
        ? JSON.stringify({ ...JSON.parse(String(bytes)), job: null })
        : bytes;
      found[name] = createHash('sha256').update(content).digest('hex');
    }
    return found;
  }

  test.each([
    ['range', {}],
    ['round-robin', { partitionBy: 'round-robin' as const }],
    ['hash', { partitionBy: 'hash' as const, key: 'name' }],
    ['shuffle', { partitionBy: 'shuffle' as const }],
    ['gzip members', { compression: 'gzip' as const, memberBytes: 100_000 }],
    ['zlib', { compression: 'zlib' as const }],
    ['inferred with statistics', { spec: undefined }],
  ])('%s: parts, manifest and index are the same for 0, 1, 2 and 5 threads', async (_, options) => {
    // Five chunks: the cuts of the first four fall among newlines in quotes, wherever they fall.
    const quoted = Array.from({ length: 1400 }, (_, i) => `${i},"${'\n'.repeat(3000 + (i % 7))}",${i / 4},1\n`).join(
      '',
    );
    const input = await write('a.csv', `id,name,x,y\n${quoted}${table(30_000, 1400).replace(/^.*\n/, '')}`);
    await run({ input, threads: 0, ...options });
    const expected = await digests();
    expect(Object.keys(expected).length).toBeGreaterThan(5);
    for (const threads of [1, 2, 5]) {
      await run({ input, threads, overwrite: true, ...options });
      expect(await digests()).toEqual(expected);
    }
  });
});

describe('inputs', () => {
  test('several files by pattern, columns in another order, gzip among them', async () => {
    await write('in-1.csv', table(10));
    await write('in-2.csv', `y,x,name,id\n0,1,n,10\n1,2,n,11\n`);
    await write('in-3.csv.gz', gzipSync(table(5, 12)));
    const result = await run({ input: join(dir, 'in-*') });
    expect((await ids()).flat()).toEqual(upTo(17));
    expect(result.records).toBe(17);
  });

  test('files differ in columns that a spec does not name, or that it lets be missing', async () => {
    await write('in-1.csv', 'id,name,x,y,note\n0,a,1,0,n\n');
    await write('in-2.csv', 'other,y,name,id\no,1,b,1\n');
    const result = await run({ input: join(dir, 'in-*') });
    expect((await ids()).flat()).toEqual([0, 1]);
    expect(result.warnings).toEqual([
      `${join(dir, 'in-2.csv')}: no column for feature "x", so it has its default in all rows there`,
    ]);
    await write('in-3.csv', 'x,name,id\n1,b,1\n');
    const error = await run({ input: join(dir, 'in-*'), overwrite: true }).catch((e: unknown) => e);
    expect(error).toEqual(code('SHARDFEED_CSV_HEADER'));
    expect((error as ShardfeedError).message).toMatch(/in-3\.csv has no column "y" for feature "y"/);
  });

  test('without a spec files have the same columns, apart from dropped ones', async () => {
    await write('in-1.csv', 'id,note,x\n');
    await write('in-2.csv', 'x,id\n0.5,0\n');
    const input = join(dir, 'in-*');
    await expect(run({ input, spec: undefined })).rejects.toEqual(code('SHARDFEED_CSV_HEADER'));
    const { schema } = await run({ input, spec: undefined, csv: { drop: ['note'] } });
    expect(schema?.features.map(({ name, kind }) => [name, kind])).toEqual([
      ['id', 'int64'],
      ['x', 'float'],
    ]);
    expect((await ids()).flat()).toEqual([0]);
  });

  test('a stream of CSV bytes', async () => {
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for (const piece of table(50).match(/.{1,17}/gs)!) yield new TextEncoder().encode(piece);
    }
    await run({ input: bytes() });
    expect((await ids()).flat()).toEqual(upTo(50));
  });

  test('rows: an array, an async iterable, with an inferred schema', async () => {
    const rows = upTo(3000).map((id) => ({ id, name: `n${id}`, x: id / 2, tags: id % 2 === 0 ? ['a', 'b'] : ['c'] }));
    const result = await run({ input: rows, spec: undefined });
    expect((await ids()).flat()).toEqual(upTo(3000));
    expect(result.schema?.features.map((f) => [f.name, f.kind, f.shape])).toEqual([
      ['id', 'int64', []],
      ['name', 'bytes', []],
      ['x', 'float', []],
      ['tags', 'bytes', 'ragged'],
    ]);
    const array = await readFile(join(out(), 'part-r-00001'));
    async function* stream(): AsyncGenerator<(typeof rows)[number]> {
      yield* rows;
    }
    await run({ input: stream(), spec: undefined, overwrite: true });
    expect((await readFile(join(out(), 'part-r-00001'))).equals(array)).toBe(true);
  });

  test('TFRecords: re-partitioned, recompressed, records untouched', async () => {
    await run({ input: await write('a.csv', table(100)), partitions: 3 });
    const second = join(dir, 'second');
    const result = await run({
      input: out(),
      output: second,
      spec: undefined,
      partitions: 5,
      compression: 'gzip',
      memberBytes: 500,
    });
    expect(await partNames(second)).toEqual(upTo(5).map((i) => `part-r-0000${i}.gz`));
    expect((await ids(second)).flat()).toEqual(upTo(100));
    expect((await ids(second)).map((p) => p.length)).toEqual([20, 20, 20, 20, 20]);
    expect(result.schema?.features.map((f) => f.name)).toEqual(['id', 'name', 'x', 'y']);
    const third = join(dir, 'third');
    await run({ input: second, output: third, spec: undefined, partitions: 3 });
    for (const name of await partNames()) {
      expect((await readFile(join(third, name))).equals(await readFile(join(out(), name)))).toBe(true);
    }
  });

  test('TFRecords that are damaged or cut: an error, or left out, counted and kept aside', async () => {
    await run({ input: await write('a.csv', table(100)), partitions: 2 });
    const part = join(out(), 'part-r-00000');
    const bytes = await readFile(part);
    const last = unframed(bytes).at(-1)!;
    const cut = Buffer.from(bytes.subarray(0, bytes.length - last.length - 16));
    cut[12 + 3]! ^= 1;
    await writeFile(part, cut);
    const second = join(dir, 'second');
    const options = { input: out(), output: second, spec: undefined, partitions: 3 };
    await expect(run(options)).rejects.toMatchObject({ code: 'SHARDFEED_STALE' });
    const result = await run({ ...options, badRows: 'quarantine' });
    expect(result.badRows).toBe(2);
    expect((await ids(second)).flat()).toEqual(upTo(100).filter((id) => id !== 0 && id !== 49));
    const [line] = String(await readFile(`${second}.quarantine.jsonl`))
      .trim()
      .split('\n');
    expect(JSON.parse(line!)).toMatchObject({ path: part, offset: 0 });
  });

  test('TFRecords by hash of a key', async () => {
    await run({ input: await write('a.csv', table(100)), partitions: 1 });
    await run({
      input: out(),
      output: join(dir, 'second'),
      spec: undefined,
      partitionBy: 'hash',
      key: 'y',
      partitions: 8,
    });
    const parts = (await ids(join(dir, 'second'))).filter((p) => p.length > 0);
    expect(parts.length).toBe(2);
    expect(sorted(parts.flat())).toEqual(upTo(100));
  });
});

describe('errors', () => {
  test('an existing dataset is kept', async () => {
    const input = await write('a.csv', table(10));
    await run({ input });
    const before = await readFile(join(out(), '_manifest.json'));
    await expect(run({ input })).rejects.toThrow(ShardfeedError);
    await expect(run({ input })).rejects.toEqual(code('SHARDFEED_EXISTS'));
    expect((await readFile(join(out(), '_manifest.json'))).equals(before)).toBe(true);
  });

  test('a bad cell ends the job, says where, and leaves nothing behind', async () => {
    const input = await write('a.csv', table(20).replace('\n8,name 8,1,0', '\n8,name 8,one,0'));
    const error = await run({ input }).catch((e: unknown) => e);
    expect(error).toEqual(code('SHARDFEED_CSV_FIELD'));
    expect(error).toMatchObject({ path: input, column: 'x', line: 12 });
    expect(String(error)).toContain('"one"');
    expect(await readdir(dir)).toEqual(['a.csv']);
  });

  test('bad rows are skipped, counted and quarantined; parts still differ by one row at most', async () => {
    let text = table(100);
    for (const id of [11, 12, 13, 14]) text = text.replace(new RegExp(`\\n${id},`), `\n${id}x,`);
    const input = await write('a.csv', text);
    const result = await run({ input, badRows: 'quarantine' });
    expect(result.badRows).toBe(4);
    const parts = await ids();
    expect(parts.flat()).toEqual(upTo(100).filter((i) => i < 11 || i > 14));
    expect(parts.map((p) => p.length)).toEqual([24, 24, 24, 24]);
    const lines = String(await readFile(`${out()}.quarantine.jsonl`))
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l));
    expect(lines.map((l) => l.value)).toEqual(['11x', '12x', '13x', '14x']);
    expect(lines[0]).toMatchObject({ path: input, column: 'id', row: '11x,name 11,1.375,1' });
    await expect(run({ input, overwrite: true, badRows: 'skip', badRowBudget: 3 })).rejects.toEqual(
      code('SHARDFEED_BUDGET'),
    );
    expect((await ids()).flat().length).toBe(96);
  });

  test.each([
    [{ partitions: 0 }, 'SHARDFEED_USAGE'],
    [{ partitions: 2, targetBytes: 5 }, 'SHARDFEED_USAGE'],
    [{ partitionBy: 'hash' as const }, 'SHARDFEED_USAGE'],
    [{ partitionBy: 'hash' as const, key: 'nope' }, 'SHARDFEED_USAGE'],
    [{ split: { 'a/b': 1 } }, 'SHARDFEED_USAGE'],
    [{ input: '/does/not/exist.csv' }, 'SHARDFEED_NOT_FOUND'],
    [{ spec: { features: [{ name: 'zzz', kind: 'int64', shape: [] }] } }, 'SHARDFEED_CSV_HEADER'],
  ])('%j is %s', async (options, expected) => {
    const input = await write('a.csv', table(5));
    await expect(run({ input, ...options })).rejects.toEqual(code(expected));
    expect(await readdir(dir)).toEqual(['a.csv']);
  });

  test('an abort leaves nothing behind', async () => {
    const input = await write('a.csv', table(200_000));
    for (const threads of [0, 2]) {
      const controller = new AbortController();
      const promise = run({ input, threads, signal: controller.signal, onProgress: () => controller.abort() });
      await expect(promise).rejects.toEqual(code('SHARDFEED_ABORTED'));
      expect(await readdir(dir)).toEqual(['a.csv']);
    }
  });

  test('old data that cannot be deleted is a warning', async () => {
    const input = await write('a.csv', table(5));
    await run({ input });
    const sticky = hooked(localFileSystem(), (call) => {
      if (call.startsWith(`delete ${join(dir, '_old-out-')}`)) throw new Error('cannot delete');
    });
    const { warnings } = await run({ input, overwrite: true, files: openFiles({ drivers: { file: sticky } }) });
    const old = (await readdir(dir)).find((name) => name.startsWith('_old-out-'))!;
    expect(warnings).toEqual([
      `${join(dir, old)} could not be deleted: the next job there tries again, or delete it yourself`,
    ]);
    expect((await run({ input, overwrite: true })).warnings).toEqual([]);
    expect((await readdir(dir)).sort()).toEqual(['a.csv', 'out']);
  });

  test('an output that cannot be written is refused before any work', async () => {
    const input = await write('a.csv', table(5));
    await mkdir(join(dir, 'file'));
    await writeFile(join(dir, 'file', 'x'), '');
    await expect(run({ input, output: join(dir, 'file', 'x', 'out') })).rejects.toThrow(ShardfeedError);
  });
});

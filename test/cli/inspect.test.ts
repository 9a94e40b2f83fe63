import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { convert, encodeExample } from '../../src/index.js';
import { encodeSequenceExample, frameRecords } from '../../src/records/index.js';
import { scratchFolder } from '../files/scratch.js';
import { run } from './run.js';

const root = await scratchFolder();
const at = (name: string): string => join(root, name);
let copies = 0;

const rows = Array.from({ length: 100 }, (_, i) => ({
  id: i,
  half: i / 2,
  word: `w${i % 3}`,
  ...(i % 4 === 0 ? {} : { gap: i }),
}));
await convert({ input: rows, output: at('data'), partitions: 2, statistics: true });
const features = [
  { name: 'id', kind: 'int64', shape: [] },
  { name: 'half', kind: 'float', shape: [] },
  { name: 'word', kind: 'bytes', shape: [] },
  { name: 'gap', kind: 'int64', shape: [], nullable: true },
] as const;
const examples = rows.map((row) => encodeExample(row, { features }));
const framed = frameRecords(examples);
await writeFile(at('foreign'), framed);
await writeFile(at('foreign.gz'), gzipSync(framed));
await writeFile(at('foreign.deflate'), deflateSync(framed));
const sequences = rows.map(({ id, word }) =>
  encodeSequenceExample({ context: { id }, featureLists: { words: [word, word], pairs: [[1.5, id]] } }),
);
await writeFile(at('sequences.gz'), gzipSync(frameRecords(sequences)));
const everything = ['data', 'foreign', 'foreign.gz', 'foreign.deflate', 'sequences.gz'];

/** A copy of the dataset, to be spoilt. */
async function copy(): Promise<string> {
  const folder = at(`copy-${copies++}`);
  await cp(at('data'), folder, { recursive: true });
  return folder;
}

async function flip(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset < 0 ? bytes.length + offset : offset]! ^= 1;
  await writeFile(path, bytes);
}

describe('count', () => {
  test.each(everything)('%s', async (name) => {
    const { code, stdout, stderr } = await run(['count', at(name), '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const count = JSON.parse(stdout) as { records: number; parts: { path: string; records: number; from: string }[] };
    expect(count.records).toBe(100);
    expect(count.parts.map(({ from }) => from)).toEqual(name === 'data' ? ['manifest', 'manifest'] : ['scan']);
  });

  test('prints the number alone', async () => {
    expect(await run(['count', at('data'), '--scan'])).toEqual({ code: 0, stdout: '100\n', stderr: '' });
  });

  test('several, and each file', async () => {
    const { stdout } = await run(['count', at('data'), at('foreign.gz'), '--parts']);
    expect(stdout).toMatch(
      /^records +bytes +file\n +50 .*part-r-00000\n +50 .*part-r-00001\n +100 .*foreign.gz\n200\n$/,
    );
  });

  test('a truncated file', async () => {
    await writeFile(at('cut'), framed.subarray(0, -3));
    const { code, stderr } = await run(['count', at('cut')]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^shardfeed: SHARDFEED_TRUNCATED: .*cut.*record 99.*\n$/);
  });
});

describe('verify', () => {
  test.each(everything)('%s is whole', async (name) => {
    const { code, stdout, stderr } = await run(['verify', at(name)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ok: 100 records in \d files?, .*\n$/);
  });

  test('a flipped bit is found and placed, exit code 3', async () => {
    const folder = await copy();
    await flip(join(folder, 'part-r-00001'), -10);
    const { code, stdout, stderr } = await run(['verify', folder]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).toMatch(
      /part-r-00001: bytes \d+ to \d+, record 49: 1 record lost: the checksum of a record does not match\n/,
    );
    expect(stdout).toMatch(/\ndamaged: 99 whole records in 2 files, .*, 1 record lost\n$/);
    const json = await run(['verify', folder, '--json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, records: 99, lost: 1 });
  });

  test('what contradicts the manifest', async () => {
    const folder = await copy();
    await writeFile(join(folder, 'part-r-00000'), (await readFile(join(folder, 'part-r-00000'))).subarray(0, 0));
    const { code, stdout } = await run(['verify', folder]);
    expect(code).toBe(3);
    expect(stdout).toContain('part-r-00000');
    expect(stdout).toMatch(/damaged: 50 whole records/);
  });

  test('records that are no Examples, unless nobody looks', async () => {
    await writeFile(at('opaque'), frameRecords([Buffer.from('no protobuf at all')]));
    expect(await run(['verify', at('opaque')])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('no valid Example'),
    });
    expect(await run(['verify', at('opaque'), '--no-examples'])).toMatchObject({ code: 0 });
  });
});

describe('repair', () => {
  test.each(['foreign', 'foreign.gz', 'sequences.gz'])('%s: what is whole is copied', async (name) => {
    const damaged = at(`damaged-${name}`);
    const fixed = at(`fixed-${name}`);
    await cp(at(name), damaged);
    await flip(damaged, name === 'foreign' ? 500 : -20);
    const { code, stdout } = await run(['repair', damaged, '--to', fixed, '--json']);
    expect(code).toBe(0);
    const { records, losses } = JSON.parse(stdout) as { records: number; losses: unknown[] };
    expect(losses.length).toBeGreaterThan(0);
    const verified = await run(['verify', fixed, '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, records });
  });

  test('what is there stays without --overwrite', async () => {
    const again = ['repair', at('damaged-foreign'), '--to', at('fixed-foreign')];
    expect(await run(again)).toMatchObject({ code: 1, stderr: expect.stringMatching(/SHARDFEED_EXISTS.*--overwrite/) });
    const { stdout } = await run([...again, '--overwrite']);
    expect(stdout).toMatch(
      /damaged-foreign: bytes .*: 1 record lost: .*\n99 records copied to .*fixed-foreign, 1 record lost\n/,
    );
  });

  test('a file takes its own place', async () => {
    await writeFile(at('self'), framed);
    await flip(at('self'), 500);
    expect(await run(['repair', at('self'), '--to', at('self'), '--overwrite'])).toMatchObject({ code: 0, stderr: '' });
    expect(await run(['count', at('self')])).toMatchObject({ stdout: '99\n' });
    expect((await readdir(root)).filter((name) => name.startsWith('_'))).toEqual([]);
  });
});

describe('index', () => {
  test.each(['foreign.gz', 'sequences.gz'])('%s: is written, used and refused when stale', async (name) => {
    const folder = at(`indexed-${name}`);
    await mkdir(folder);
    await cp(at(name), join(folder, name));
    const { code, stdout, stderr } = await run(['index', folder]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(join(folder, '_index', `${name}.idx`));
    const counted = await run(['count', folder, '--json']);
    expect(JSON.parse(counted.stdout)).toMatchObject({ records: 100, parts: [{ from: 'index' }] });
    await writeFile(join(folder, name), framed.subarray(0, -1));
    expect(await run(['count', folder])).toMatchObject({ code: 1, stderr: expect.stringContaining('SHARDFEED_STALE') });
  });

  test('--tfrecord2idx', async () => {
    const { code } = await run(['index', at('foreign'), '--tfrecord2idx', at('foreign.txt')]);
    expect(code).toBe(0);
    let offset = 0;
    const lines = examples.map(({ length }) => {
      const line = `${offset} ${length + 16}\n`;
      offset += length + 16;
      return line;
    });
    expect(await readFile(at('foreign.txt'), 'utf8')).toBe(lines.join(''));
    expect(await run(['index', at('data'), '--tfrecord2idx', at('two.txt')])).toMatchObject({ code: 2 });
  });
});

describe('stats', () => {
  test.each(['data', 'foreign.gz'])('%s', async (name) => {
    const { code, stdout, stderr } = await run(['stats', at(name)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^feature +kind +missing +distinct +mean +std +min +median +max +most frequent\n/);
    expect(stdout).toMatch(/\nid +int64 +0 +100 +49\.5 +28\.8661 +0 +49 +99\n/);
    expect(stdout).toMatch(/\ngap +int64 +25 +75 /);
    expect(stdout).toMatch(/\nword +bytes +0 +3 +w0 \(34\), w1 \(33\), w2 \(33\)\n/);
    expect(stdout).toMatch(/\n100 records\n$/);
  });

  test('--json', async () => {
    const { stdout } = await run(['stats', at('data'), '--json', '--recompute']);
    const { records, features } = JSON.parse(stdout) as { records: number; features: { name: string }[] };
    expect(records).toBe(100);
    const half = features.find(({ name }) => name === 'half');
    expect(half).toMatchObject({ kind: 'float', mean: 24.75, min: 0, max: 49.5 });
  });

  test('of SequenceExamples: the context, and the values of all steps', async () => {
    const { stdout } = await run(['stats', at('sequences.gz'), '--json']);
    const features = JSON.parse(stdout).features as { name: string; count: number; values?: number; max?: number }[];
    expect(Object.fromEntries(features.map(({ name, values, max }) => [name, [values, max]]))).toEqual({
      id: [undefined, 99],
      'words[]': [200, undefined],
      'pairs[]': [200, 99],
    });
  });
});

describe('schema', () => {
  const csv = 'id,age,word\n1,36,a\n2,,b\n3,4.5,7\n';

  test('of CSV: types, gaps, ranges, and why', async () => {
    await writeFile(at('in.csv'), csv);
    const { code, stdout, stderr } = await run(['schema', at('in.csv'), '--labels', 'id']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/\nid \(label\) +int64 +0 +~3 +1 +3\n/);
    expect(stdout).toMatch(/\nage +float +1 +~2 +4\.5 +36\n/);
    expect(stdout).toMatch(/\nword +bytes +0 +~3 .*"a" in line 2\n/);
    expect(stdout).toMatch(/\n3 rows\n$/);
  });

  test('--to writes a spec that convert takes', async () => {
    await writeFile(at('spec-me.csv'), csv);
    expect(await run(['schema', at('spec-me.csv'), '--to', at('spec.json'), '--kinds', 'word=bytes'])).toMatchObject({
      code: 0,
    });
    const made = await run(['convert', at('spec-me.csv'), '--to', at('by-spec'), '--spec', at('spec.json'), '--json']);
    expect(JSON.parse(made.stdout)).toMatchObject({ records: 3 });
    const { stdout } = await run(['schema', '-', '--json'], { input: csv });
    expect(JSON.parse(stdout)).toMatchObject({ rows: 3, schema: JSON.parse(await readFile(at('spec.json'), 'utf8')) });
  });

  test.each(['data', 'foreign.deflate'])('of %s', async (name) => {
    const { code, stdout, stderr } = await run(['schema', at(name), '--format', 'tfrecord']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^feature +kind +values\n/);
    for (const line of [/\nid +int64 +one value/, /\nhalf +float +one value/, /\nword +bytes +one value/])
      expect(stdout).toMatch(line);
  });

  test('of SequenceExamples', async () => {
    const { stdout } = await run(['schema', at('sequences.gz')]);
    expect(stdout).toMatch(/\nid +int64 +one value .*\nwords\[\] +bytes +one value .*\npairs\[\] +float +2 .*\n$/);
    expect(JSON.parse((await run(['schema', at('sequences.gz'), '--json'])).stdout)).toMatchObject({
      schema: {
        context: { features: [{ name: 'id' }] },
        featureLists: { features: [{ name: 'words' }, { name: 'pairs' }] },
      },
    });
  });
});

test('SequenceExamples are cut anew as they are', async () => {
  const made = await run(['convert', at('sequences.gz'), '--to', at('sequences'), '--partitions', '3']);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const [before, after] = await Promise.all([run(['cat', at('sequences.gz')]), run(['cat', at('sequences')])]);
  expect(after).toEqual(before);
});

describe('ls', () => {
  test('tells of a folder what lies in it, and of datasets and parts their records', async () => {
    const { stdout, stderr, code } = await run(['ls', at('data'), '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { entries } = JSON.parse(stdout) as { entries: { path: string; type: string; records?: number }[] };
    expect(entries.map(({ path, type, records }) => [path, type, records])).toEqual([
      [at('data/_SUCCESS'), 'file', undefined],
      [at('data/_index'), 'folder', undefined],
      [at('data/_manifest.json'), 'file', undefined],
      [at('data/part-r-00000'), 'file', 50],
      [at('data/part-r-00001'), 'file', 50],
    ]);
    const outside = (await run(['ls', root])).stdout.split('\n');
    expect(outside[0]).toMatch(/^ *bytes +records +changed \(UTC\) +name$/);
    expect(outside.find((line) => line.endsWith(`${at('data')}/`))).toMatch(
      /^ +100 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}/,
    );
    expect(outside.find((line) => line.endsWith(at('foreign')))).toMatch(/^ *\d\S* kB {2} +\d{4}-/);
  });

  test('patterns and single files; an index will do, one that belongs to other bytes will not', async () => {
    const folder = await copy();
    await rm(join(folder, '_manifest.json'));
    const part = join(folder, 'part-r-00001');
    await writeFile(part, (await readFile(part)).subarray(0, -1));
    const { stdout } = await run(['ls', join(folder, 'part-*'), at('foreign'), '--json']);
    const { entries } = JSON.parse(stdout) as { entries: { records?: number }[] };
    expect(entries.map(({ records }) => records)).toEqual([50, undefined, undefined]);
    expect((await run(['ls', at('nothing')])).stderr).toMatch(/SHARDFEED_NOT_FOUND/);
  });
});

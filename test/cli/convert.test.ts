import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeExample, readRecords } from '../../src/index.js';
import { scratchFolder } from '../files/scratch.js';
import { finish, MAIN, run, start } from './run.js';

const root = await scratchFolder();
let folders = 0;

const CSV = 'name,age,fare\nAda,36,7.25\nBob,,8\n"Cy, Jr",4,0.1\n';
const ROWS = [
  { name: 'Ada', age: 36, fare: 7.25 },
  { name: 'Bob', fare: 8 },
  { name: 'Cy, Jr', age: 4, fare: Math.fround(0.1) },
];

/** A fresh folder with `in.csv`. */
async function fresh(csv = CSV): Promise<string> {
  const at = join(root, String(folders++));
  await mkdir(at);
  await writeFile(join(at, 'in.csv'), csv);
  return at;
}

async function rowsOf(path: string): Promise<Record<string, unknown>[]> {
  const text = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString() : value);
  const rows: Record<string, unknown>[] = [];
  for await (const record of readRecords(path)) {
    rows.push(Object.fromEntries(Object.entries(decodeExample(record)).map(([name, value]) => [name, text(value)])));
  }
  return rows;
}

test('a CSV file becomes a dataset, and the result is said in a line', async () => {
  const at = await fresh();
  const { code, stdout, stderr } = await run(['convert', 'in.csv', '--to', 'out', '--partitions', '2'], { cwd: at });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^out: 3 records in 2 parts, \d+ B, in \d+\.\d s\n$/);
  const names = ['_SUCCESS', '_index', '_manifest.json', 'part-r-00000', 'part-r-00001'];
  expect((await readdir(join(at, 'out'))).sort()).toEqual(names);
  expect(await rowsOf(join(at, 'out'))).toEqual(ROWS);
  expect((await readdir(at)).sort()).toEqual(['in.csv', 'out']);
});

test('warnings go to stderr and end nothing', async () => {
  const at = await fresh();
  const features = ['name', 'Age'].map((name) => ({ name, kind: 'bytes', shape: [], nullable: true }));
  await writeFile(join(at, 'spec.json'), JSON.stringify({ features }));
  const { code, stderr } = await run(['convert', 'in.csv', '--to', 'out', '--spec', 'spec.json'], { cwd: at });
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `shardfeed: warning: ${join(at, 'in.csv')}: no column for feature "Age", so it is missing in all rows there\n`,
  });
});

test('mistakes are said in the words of the shell', async () => {
  const at = await fresh('a;b\n1;2\n');
  await writeFile(join(at, 'spec.json'), '{"inputs": {"a": {"type": "integer"}}}');
  await writeFile(join(at, 'file'), '');
  await mkdir(join(at, 'empty'));
  const convert = (...args: string[]) => run(['convert', 'in.csv', ...args], { cwd: at });
  const runs = await Promise.all([
    convert('--to', 'out'),
    convert('--to', 'x', '--partition-by', 'hash'),
    convert('--to', 'x', '--spec', 'spec.json'),
    convert('--to', 'file'),
    convert('--to', 'empty'),
    run(['convert', '-', '--to', 'x'], { cwd: at }),
    run(['head', 'in.csv'], { cwd: at }),
  ]);
  expect(runs.map(({ code }) => code)).toEqual([0, 2, 1, 1, 1, 1, 3]);
  const expected = [
    'warning: .*in.csv: its only column is "a;b": is the delimiter another one?',
    '--partition-by hash wants a key',
    'spec.json: invalid schema: .*inputs.a.type',
    'is a file, and a folder is to be written',
    'give --overwrite',
    'standard input: the file is empty: expected a header line',
    'is it a TFRecord file at all?',
  ];
  for (const [i, what] of expected.entries())
    expect(runs[i]!.stderr).toMatch(new RegExp(`^shardfeed: .*${what.replaceAll('?', '\\?')}.*\n$`));
});

test('output that cannot be written is an error of one line', async () => {
  const at = await fresh();
  for (const args of [
    ['convert', 'in.csv', '--to', 'out'],
    ['head', 'out'],
  ]) {
    const child = spawn('sh', ['-c', 'exec "$0" "$@" > /dev/full', process.execPath, MAIN, ...args], { cwd: at });
    expect(await finish(child)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^shardfeed: SHARDFEED_NO_SPACE: cannot write to standard output: .*\n$/),
    });
  }
});

test('--json is one JSON object', async () => {
  const at = await fresh();
  const { code, stdout } = await run(['convert', join(at, 'in.csv'), '--to', join(at, 'out'), '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    output: join(at, 'out'),
    records: 3,
    badRows: 0,
    schema: {
      features: [
        { name: 'name', kind: 'bytes' },
        { name: 'age', kind: 'int64' },
        { name: 'fare', kind: 'float' },
      ],
    },
    datasets: [{ records: 3, parts: [{ path: 'part-r-00000', records: 3 }] }],
  });
});

test('a model spec, with and without its outputs', async () => {
  const at = await fresh();
  const inputs = { name: { type: 'str' }, fare: { type: 'float' } };
  await writeFile(join(at, 'spec.json'), JSON.stringify({ inputs, outputs: { age: { type: 'int', default: -1 } } }));
  const labelled = await run(['convert', 'in.csv', '--to', 'labelled', '--spec', 'spec.json'], { cwd: at });
  expect(labelled).toMatchObject({ code: 0, stderr: '' });
  expect(await rowsOf(join(at, 'labelled'))).toEqual(ROWS.map((row) => ({ age: -1, ...row })));
  const options = ['--spec', 'spec.json', '--no-outputs', '--drop', 'age'];
  const bare = await run(['convert', 'in.csv', '--to', 'bare', ...options], { cwd: at });
  expect(bare).toMatchObject({ code: 0, stderr: '' });
  expect(await rowsOf(join(at, 'bare'))).toEqual(ROWS.map(({ name, fare }) => ({ name, fare })));
});

test('a spec that is no JSON', async () => {
  const at = await fresh();
  await writeFile(join(at, 'spec.json'), '{ "inputs": ');
  const { code, stderr } = await run(['convert', 'in.csv', '--to', 'out', '--spec', 'spec.json'], { cwd: at });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^shardfeed: SHARDFEED_SCHEMA_INVALID: spec.json: this is no JSON: .*\n$/);
});

test('an existing dataset stays without --overwrite, and is replaced with it', async () => {
  const at = await fresh();
  await run(['convert', 'in.csv', '--to', 'out'], { cwd: at });
  await writeFile(join(at, 'in.csv'), 'name\nZoe\n');
  const refused = await run(['convert', 'in.csv', '--to', 'out'], { cwd: at });
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^shardfeed: SHARDFEED_EXISTS: .*give --overwrite to replace it\n$/);
  expect(await rowsOf(join(at, 'out'))).toEqual(ROWS);
  expect(await run(['convert', 'in.csv', '--to', 'out', '--overwrite'], { cwd: at })).toMatchObject({ code: 0 });
  expect(await rowsOf(join(at, 'out'))).toEqual([{ name: 'Zoe' }]);
  expect((await readdir(at)).sort()).toEqual(['in.csv', 'out']);
});

test('a folder that is no dataset is not overwritten', async () => {
  const at = await fresh();
  await mkdir(join(at, 'home'));
  await writeFile(join(at, 'home/letter.txt'), 'Dear');
  const { code, stderr } = await run(['convert', 'in.csv', '--to', 'home', '--overwrite'], { cwd: at });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^shardfeed: SHARDFEED_EXISTS: .*home holds other things than a dataset.*\n$/);
  expect(stderr).not.toContain('--overwrite');
  expect(await readFile(join(at, 'home/letter.txt'), 'utf8')).toBe('Dear');
});

test('a bad cell is named with file, line, column, value and what was expected', async () => {
  const at = await fresh('id,age\n1,36\n2,old\n');
  await writeFile(join(at, 'spec.json'), JSON.stringify({ inputs: { id: { type: 'int' }, age: { type: 'int' } } }));
  const convert = (...args: string[]) => run(['convert', 'in.csv', '--spec', 'spec.json', ...args], { cwd: at });
  const { code, stderr } = await convert('--to', 'out');
  expect(code).toBe(1);
  expect(stderr.split('\n')).toHaveLength(2);
  for (const part of ['SHARDFEED_CSV_FIELD', 'in.csv', 'line 3', 'age', 'old']) expect(stderr).toContain(part);
  expect(await readdir(at)).not.toContain('out');
  const skipped = await convert('--to', 'out', '--bad-rows', 'skip');
  expect(skipped).toMatchObject({ code: 0, stdout: expect.stringContaining('1 bad row left out') });
  expect(await convert('--to', 'two', '--quarantine', 'bad.jsonl')).toMatchObject({ code: 0, stderr: '' });
  expect(await readFile(join(at, 'bad.jsonl'), 'utf8')).toContain('old');
});

test('standard input, gzip and several files', async () => {
  const at = await fresh();
  expect(await run(['convert', '-', '--to', 'piped'], { cwd: at, input: CSV })).toMatchObject({ code: 0, stderr: '' });
  expect(await rowsOf(join(at, 'piped'))).toEqual(ROWS);
  await writeFile(join(at, 'in.csv.gz'), gzipSync(CSV));
  const both = await run(['convert', 'in.csv.gz', 'in.csv', '--to', 'both'], { cwd: at });
  expect(both).toMatchObject({ code: 0, stderr: '' });
  expect(await rowsOf(join(at, 'both'))).toEqual([...ROWS, ...ROWS]);
});

test('dialects, null tokens, lists, and columns under other names', async () => {
  const at = await fresh("Ada\tNA\t1;2\n'Bob'\t7\t\n");
  const features = [
    { name: 'name', kind: 'bytes' },
    { name: 'years', kind: 'int64', nullable: true },
    { name: 'tags', kind: 'int64', shape: 'ragged' },
  ];
  await writeFile(join(at, 'spec.json'), JSON.stringify({ features }));
  const dialect = ['--delimiter', '\\t', '--quote', "'", '--no-header', '--column-names', 'name,age,tags'];
  const cells = ['--null', 'NA', '--separator', 'tags=;', '--rename', 'age=years', '--spec', 'spec.json'];
  const ran = await run(['convert', 'in.csv', '--to', 'out', ...dialect, ...cells], { cwd: at });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(await rowsOf(join(at, 'out'))).toEqual([
    { name: 'Ada', tags: [1, 2] },
    { name: 'Bob', years: 7 },
  ]);
});

test('splits, compression and names of parts', async () => {
  const at = await fresh(`id\n${Array.from({ length: 1000 }, (_, i) => `${i}\n`).join('')}`);
  const options = ['--split', 'train=0.8,test=0.2', '--seed', '7', '--compression', 'gzip', '--extension', '--json'];
  const { code, stdout } = await run(['convert', 'in.csv', '--to', 'out', '--partitions', '3', ...options], {
    cwd: at,
  });
  expect(code).toBe(0);
  const { datasets } = JSON.parse(stdout) as { datasets: { split: string; records: number; parts: unknown[] }[] };
  expect(datasets.map(({ split, parts }) => [split, parts.length])).toEqual([
    ['train', 3],
    ['test', 3],
  ]);
  expect(datasets[0]!.records + datasets[1]!.records).toBe(1000);
  expect(await readdir(join(at, 'out/train'))).toContain('part-r-00000.tfrecord.gz');
  const rows = [...(await rowsOf(join(at, 'out/train'))), ...(await rowsOf(join(at, 'out/test')))];
  const ids = rows.map(({ id }) => id as number).sort((a, b) => a - b);
  expect(ids).toEqual(Array.from({ length: 1000 }, (_, i) => i));
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s cleans up', async (signal) => {
  const at = await fresh();
  await run(['convert', 'in.csv', '--to', 'out'], { cwd: at });
  const child = start(['convert', '-', '--to', 'out', '--overwrite'], { cwd: at });
  const ended = finish(child);
  child.stdin!.write(CSV);
  while (!(await readdir(at)).some((name) => name.startsWith('_tmp-'))) await sleep(5);
  child.kill(signal);
  const { code, stdout, stderr } = await ended;
  expect({ code, stdout, stderr }).toEqual({
    code: signal === 'SIGINT' ? 130 : 143,
    stdout: '',
    stderr: 'shardfeed: SHARDFEED_ABORTED: stopped\n',
  });
  expect((await readdir(at)).sort()).toEqual(['in.csv', 'out']);
  expect(await rowsOf(join(at, 'out'))).toEqual(ROWS);
});

test('a full disk is one clear line, and leaves nothing behind', async () => {
  const at = await fresh(`text\n${`${'x'.repeat(999)}\n`.repeat(1000)}`);
  // Files may grow to 100 blocks of 512 bytes: the first part cannot hold the rows.
  const command = `ulimit -f 100; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, MAIN, 'convert', 'in.csv', '--to', 'out'], { cwd: at });
  const { code, stdout, stderr } = await finish(child);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^shardfeed: SHARDFEED_NO_SPACE: cannot write .*\n$/);
  expect(await readdir(at)).toEqual(['in.csv']);
});

test('datasets are cut anew, in other numbers of parts', async () => {
  const at = await fresh();
  await run(['convert', 'in.csv', '--to', 'one'], { cwd: at });
  const options = ['--partitions', '3', '--compression', 'zlib'];
  const cut = await run(['convert', 'one', '--to', 'three', ...options], { cwd: at });
  expect(cut).toMatchObject({ code: 0, stderr: '' });
  expect(await rowsOf(join(at, 'three'))).toEqual(ROWS);
  expect((await stat(join(at, 'three/part-r-00002.deflate'))).isFile()).toBe(true);
});

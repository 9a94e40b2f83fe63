import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import webhdfs from 'webhdfs';
import type { FileSystem } from '../../../src/files/index.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { bytesOf, namesIn, openCluster, readFile, writeFile } from '../support/file-systems.js';

// Hadoop's shell expands * ? [ ] { } by itself, and its paths hold no colon.
const NAMES = [
  '50%',
  'a%20b',
  'a+b',
  'a b',
  'a#b',
  'a;b=c',
  'é',
  '日本',
  'a&b',
  'line\nbreak',
  'quote\'"',
  '..a',
  'a\\b',
];
const utf8 = (text: string) => new TextEncoder().encode(text);

let cluster: TestCluster;
let fs: FileSystem;
const local = mkdtempSync(join(tmpdir(), 'shardfeed-interop-'));
beforeAll(async () => {
  cluster = await testCluster('plain');
  fs = await openCluster(cluster);
});
afterAll(() => rmSync(local, { recursive: true, force: true }));

const shellPath = (path: string) => path.replaceAll('\\', '\\\\');

it("Hadoop's own client reads what we write, under the names that we give", async () => {
  const paths = NAMES.map((name) => `/tmp/interop/${name}`);
  for (const [i, path] of paths.entries()) await writeFile(fs, path, utf8(`${i}:${path}\n`));
  const text = await cluster.tool('dfs', ['-cat', ...paths.map(shellPath)]);
  expect(text).toBe(paths.map((path, i) => `${i}:${path}\n`).join(''));
  await writeFile(fs, '/tmp/interop/x/../up', utf8('up'));
  expect(await namesIn(fs, '/tmp/interop')).toEqual([...NAMES, 'up'].sort((a, b) => Buffer.compare(utf8(a), utf8(b))));
});

it("we read what Hadoop's own client writes, under the names that it gives", async () => {
  const paths = NAMES.map((_, i) => join(local, String(i)));
  for (const [i, path] of paths.entries()) writeFileSync(path, bytesOf(1000 + i, i));
  await fs.mkdir('/tmp/theirs');
  await cluster.tool('dfs', ['-put', ...paths, '/tmp/theirs']);
  for (const [i, name] of NAMES.entries()) await fs.rename(`/tmp/theirs/${i}`, `/tmp/theirs/${name}`);
  for (const [i, name] of NAMES.entries()) {
    expect(Buffer.compare(await readFile(fs, `/tmp/theirs/${name}`), bytesOf(1000 + i, i))).toBe(0);
  }
});

it('a large file is the same for dfs -cat, for fsck whole and replicated, and has the checksum of a copy', async () => {
  const bytes = bytesOf(5_000_000);
  await writeFile(fs, '/tmp/large/file', bytes);
  const target = join(local, 'copied');
  await cluster.tool('dfs', ['-get', '/tmp/large/file', target]);
  await cluster.tool('dfs', ['-put', target, '/tmp/large/again']);
  expect(Buffer.compare(await readFile(fs, '/tmp/large/again'), bytes)).toBe(0);
  expect(await fs.checksum!('/tmp/large/file')).toEqual(await fs.checksum!('/tmp/large/again'));
  const report = await cluster.tool('fsck', ['/tmp/large', '-files', '-blocks']);
  expect(report).toMatch(/\/tmp\/large\/file 5000000 bytes, replicated: replication=2, 5 block\(s\): +OK/);
  expect(report).toContain('is HEALTHY');
});

it('the npm package webhdfs reads what we write', async () => {
  const bytes = bytesOf(2_500_000);
  await writeFile(fs, '/tmp/npm/a file', bytes);
  const [host, port] = cluster.nn[0]!.http.split(':');
  const client = webhdfs.createClient({ user: 'alice', host: host!, port: Number(port), path: '/webhdfs/v1' });
  const read = await new Promise<Buffer>((resolve, reject) =>
    client.readFile('/tmp/npm/a file', (error, data) => (error === null ? resolve(data) : reject(error))),
  );
  expect(Buffer.compare(read, bytes)).toBe(0);
});

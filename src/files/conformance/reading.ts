import assert from 'node:assert/strict';
import {
  assertSameBytes,
  type Bench,
  type ConformanceCase,
  type ConformanceTarget,
  collect,
  defineCase,
  pattern,
  rejects,
} from './case.js';

const MIB = 1 << 20;

export function readCases(target: ConformanceTarget): ConformanceCase[] {
  const test = (name: string, body: (bench: Bench) => Promise<void>) => defineCase(target, name, body);
  return [
    test('stat: tells files from folders', async (b) => {
      const before = Date.now();
      const path = await b.write(b.path('file'), '12345');
      const { mtimeMs, type, size, ...file } = await b.fs.stat(path);
      assert.deepEqual({ path: file.path, type, size }, { path, type: 'file', size: 5 });
      assert(Math.abs(mtimeMs - before) < 3_600_000, `mtime ${mtimeMs} is far from now, ${before}`);
      await b.fs.mkdir(b.path('folder'));
      const folder = await b.fs.stat(b.path('folder'));
      assert.equal(folder.type, 'folder');
      assert.equal(folder.size, 0);
    }),
    test('stat: the root is a folder', async (b) => {
      assert.equal((await b.fs.stat('/')).type, 'folder');
    }),
    test('stat: what is missing, or below a file', async (b) => {
      await b.write(b.path('file'), 'x');
      await rejects(b.fs.stat(b.path('missing')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.fs.stat(b.path('missing/below')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.fs.stat(b.path('file/below')), 'SHARDFEED_NOT_FOUND');
    }),
    test('read: a missing file, and a folder', async (b) => {
      await b.fs.mkdir(b.path('folder'));
      await rejects(b.read(b.path('missing')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.read(b.path('folder')), 'SHARDFEED_IO');
      await b.write(b.path('file'), 'x');
      await rejects(b.read(b.path('file/below')), 'SHARDFEED_NOT_FOUND');
    }),
    test('read: ranges', async (b) => {
      const path = await b.write(b.path('digits'), '0123456789');
      const cases: [start: number | undefined, end: number | undefined, expected: string][] = [
        [undefined, undefined, '0123456789'],
        [0, 10, '0123456789'],
        [3, undefined, '3456789'],
        [undefined, 3, '012'],
        [3, 7, '3456'],
        [9, 10, '9'],
        [4, 4, ''],
        [10, undefined, ''],
        [10, 20, ''],
        [11, undefined, ''],
        [500, 1000, ''],
        [8, 1000, '89'],
        [7, 3, ''],
      ];
      for (const [start, end, expected] of cases) {
        const range = { start, end };
        assert.equal(await b.text(path, range), expected, `range ${start}..${end}`);
      }
    }),
    test('read: an empty file, any range', async (b) => {
      const path = await b.write(b.path('empty'), '');
      assert.equal(await b.text(path), '');
      assert.equal(await b.text(path, { start: 0, end: 10 }), '');
      assert.equal(await b.text(path, { start: 5 }), '');
    }),
    test('read: ranges around chunk borders', async (b) => {
      const bytes = pattern(3 * MIB + 12_345);
      const path = await b.write(b.path('big'), bytes);
      assertSameBytes(await b.read(path), bytes);
      for (const [start, end] of [
        [MIB - 1, MIB + 1],
        [MIB, 2 * MIB],
        [1, 3 * MIB],
        [2 * MIB + 7, bytes.length],
        [bytes.length - 1, bytes.length + 1],
      ] as const) {
        assertSameBytes(await b.read(path, { start, end }), bytes.slice(start, end));
      }
    }),
    test('read: no chunk is empty, and each belongs to the caller', async (b) => {
      const bytes = pattern(2 * MIB + 1);
      const path = await b.write(b.path('big'), bytes);
      const chunks = await collect(b.fs.read(path));
      for (const chunk of chunks) assert(chunk.length > 0, 'an empty chunk');
      let at = 0;
      for (const chunk of chunks) {
        assertSameBytes(chunk, bytes.slice(at, at + chunk.length));
        at += chunk.length;
        chunk.fill(0);
      }
      assertSameBytes(await b.read(path), bytes);
    }),
    test('openReader: where it is there, it reads what read reads', async (b) => {
      if (b.fs.openReader === undefined) return;
      const bytes = pattern(2 * MIB + 12_345);
      const path = await b.write(b.path('big'), bytes);
      const reader = await b.fs.openReader(path);
      const { size, mtimeMs } = await b.fs.stat(path);
      const { found = { size, mtimeMs } } = reader;
      assert.deepEqual([found.size, found.mtimeMs], [size, mtimeMs]);
      const into = new Uint8Array(MIB);
      let at = 0;
      for (let count = -1; count !== 0; at += count) {
        count = await reader.read(into, at);
        assertSameBytes(into.slice(0, count), bytes.slice(at, at + count));
      }
      assert.equal(at, bytes.length);
      const count = await reader.read(into, 77);
      assertSameBytes(into.slice(0, count), bytes.slice(77, 77 + count));
      await reader.close();
      await reader.close();
      await b.fs.mkdir(b.path('folder'));
      await rejects(b.fs.openReader(b.path('missing')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.fs.openReader(b.path('folder')), 'SHARDFEED_IO');
    }),
    test('read: can be left early and done again, also by two at once', async (b) => {
      const bytes = pattern(2 * MIB);
      const path = await b.write(b.path('big'), bytes);
      for await (const chunk of b.fs.read(path)) {
        assert(chunk.length > 0);
        break;
      }
      const [one, two] = await Promise.all([b.read(path), b.read(path, { start: 5 })]);
      assertSameBytes(one, bytes);
      assertSameBytes(two, bytes.slice(5));
    }),
  ];
}

import assert from 'node:assert/strict';
import { type Bench, type ConformanceCase, type ConformanceTarget, collect, defineCase, rejects } from './case.js';

export function listCases(target: ConformanceTarget): ConformanceCase[] {
  const test = (name: string, body: (bench: Bench) => Promise<void>) => defineCase(target, name, body);
  return [
    test('list: direct children with their stats', async (b) => {
      await b.write(b.path('f/two'), '22');
      await b.write(b.path('f/sub/deep'), 'x');
      await b.write(b.path('f/one'), '1');
      const children = await collect(b.fs.list(b.path('f')));
      assert.deepEqual(
        children.map(({ path, type, size }) => ({ path, type, size })),
        [
          { path: b.path('f/one'), type: 'file', size: 1 },
          { path: b.path('f/sub'), type: 'folder', size: 0 },
          { path: b.path('f/two'), type: 'file', size: 2 },
        ],
      );
      for (const child of children) assert.equal(child.mtimeMs, (await b.fs.stat(child.path)).mtimeMs);
    }),
    test('list: an empty folder', async (b) => {
      await b.fs.mkdir(b.path('empty'));
      assert.deepEqual(await b.names(b.path('empty')), []);
    }),
    test('list: a missing folder, and a file', async (b) => {
      await b.write(b.path('file'), 'x');
      await rejects(b.names(b.path('missing')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.names(b.path('file')), 'SHARDFEED_IO');
    }),
    test('list: bytewise order, which is not UTF-16 order', async (b) => {
      const names = ['B', 'a', 'b', '_x', '.x', 'a1', 'a10', 'a2', 'z', 'é', '\uff5e', '\u{1f600}', 'Z', '~'];
      for (const name of names) await b.write(b.path(`f/${name}`), '');
      const expected = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      assert.deepEqual(await b.names(b.path('f')), expected);
    }),
    test('list: two hundred files', async (b) => {
      const names = Array.from({ length: 200 }, (_, i) => `part-${String(i).padStart(5, '0')}`);
      await Promise.all(names.map((name) => b.write(b.path(`many/${name}`), name)));
      assert.deepEqual(await b.names(b.path('many')), names);
    }),
  ];
}

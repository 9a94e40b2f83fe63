import assert from 'node:assert/strict';
import { type Bench, type ConformanceCase, type ConformanceTarget, defineCase, rejects } from './case.js';

export function deleteCases(target: ConformanceTarget): ConformanceCase[] {
  const test = (name: string, body: (bench: Bench) => Promise<void>) => defineCase(target, name, body);
  return [
    test('delete: a file, an empty folder, a full folder', async (b) => {
      await b.write(b.path('file'), 'x');
      await b.fs.mkdir(b.path('empty'));
      await b.write(b.path('full/sub/deep/file'), 'x');
      await b.write(b.path('stays'), 'x');
      for (const name of ['file', 'empty', 'full']) await b.fs.delete(b.path(name));
      assert.deepEqual(await b.names(b.root), ['stays']);
    }),
    test('delete: what is missing is no error', async (b) => {
      await b.write(b.path('file'), 'x');
      await b.fs.delete(b.path('missing'));
      await b.fs.delete(b.path('missing/below'));
      await b.fs.delete(b.path('file/below'));
      await b.fs.delete(b.path('missing'), { recursive: false });
      assert.deepEqual(await b.names(b.root), ['file']);
    }),
    test('delete: not recursive takes files and empty folders only', async (b) => {
      await b.write(b.path('file'), 'x');
      await b.fs.mkdir(b.path('empty'));
      await b.write(b.path('full/file'), 'x');
      await b.fs.delete(b.path('file'), { recursive: false });
      await b.fs.delete(b.path('empty'), { recursive: false });
      await rejects(b.fs.delete(b.path('full'), { recursive: false }), 'SHARDFEED_IO');
      assert.deepEqual(await b.names(b.root), ['full']);
      assert.equal(await b.text(b.path('full/file')), 'x');
    }),
    test('delete: the root is refused', async (b) => {
      await b.write(b.path('file'), 'x');
      await rejects(b.fs.delete('/'), 'SHARDFEED_IO');
      await rejects(b.fs.delete('/a/..'), 'SHARDFEED_IO');
      assert.equal(await b.text(b.path('file')), 'x');
    }),
    test('delete: the name is free again', async (b) => {
      await b.write(b.path('name'), 'file');
      await b.fs.delete(b.path('name'));
      await b.write(b.path('name/below'), 'folder');
      await b.fs.delete(b.path('name'));
      await b.write(b.path('name'), 'file again');
      assert.equal(await b.text(b.path('name')), 'file again');
    }),
  ];
}

import assert from 'node:assert/strict';
import { type Bench, type ConformanceCase, type ConformanceTarget, defineCase, rejects } from './case.js';

export function renameCases(target: ConformanceTarget): ConformanceCase[] {
  const test = (name: string, body: (bench: Bench) => Promise<void>) => defineCase(target, name, body);
  return [
    test('rename: a file, within its folder and into another', async (b) => {
      await b.write(b.path('from'), 'x');
      await b.fs.rename(b.path('from'), b.path('to'));
      assert.equal(await b.find(b.path('from')), undefined);
      assert.equal(await b.text(b.path('to')), 'x');
      await b.fs.mkdir(b.path('folder'));
      await b.fs.rename(b.path('to'), b.path('folder/to'));
      assert.deepEqual(await b.names(b.root), ['folder']);
      assert.equal(await b.text(b.path('folder/to')), 'x');
    }),
    test('rename: a folder with all it holds', async (b) => {
      await b.write(b.path('from/a'), '1');
      await b.write(b.path('from/sub/b'), '2');
      await b.fs.mkdir(b.path('from/empty'));
      await b.fs.rename(b.path('from'), b.path('to'));
      assert.deepEqual(await b.names(b.root), ['to']);
      assert.deepEqual(await b.names(b.path('to')), ['a', 'empty', 'sub']);
      assert.equal(await b.text(b.path('to/sub/b')), '2');
    }),
    test('rename: an empty folder', async (b) => {
      await b.fs.mkdir(b.path('from'));
      await b.fs.rename(b.path('from'), b.path('to'));
      assert.deepEqual(await b.names(b.root), ['to']);
      assert.deepEqual(await b.names(b.path('to')), []);
    }),
    ...(['file', 'folder', 'empty folder'] as const).flatMap((source) =>
      (['file', 'folder', 'empty folder'] as const).map((existing) =>
        test(`rename: a ${source} does not replace a ${existing}`, async (b) => {
          await put(b, 'from', source, 'source');
          await put(b, 'to', existing, 'target');
          await rejects(b.fs.rename(b.path('from'), b.path('to')), 'SHARDFEED_EXISTS');
          assert.deepEqual(await b.names(b.root), ['from', 'to']);
          await holds(b, 'from', source, 'source');
          await holds(b, 'to', existing, 'target');
        }),
      ),
    ),
    test('rename: onto itself', async (b) => {
      await b.write(b.path('file'), 'x');
      await b.write(b.path('folder/file'), 'x');
      await rejects(b.fs.rename(b.path('file'), b.path('file')), 'SHARDFEED_EXISTS');
      await rejects(b.fs.rename(b.path('folder'), b.path('folder')), 'SHARDFEED_EXISTS');
      assert.equal(await b.text(b.path('file')), 'x');
      assert.equal(await b.text(b.path('folder/file')), 'x');
    }),
    test('rename: a folder into itself', async (b) => {
      await b.write(b.path('folder/file'), 'x');
      await b.fs.mkdir(b.path('empty'));
      await rejects(b.fs.rename(b.path('folder'), b.path('folder/below')), 'SHARDFEED_IO');
      await rejects(b.fs.rename(b.path('empty'), b.path('empty/below')), 'SHARDFEED_IO');
      assert.deepEqual(await b.names(b.path('folder')), ['file']);
      assert.deepEqual(await b.names(b.path('empty')), []);
    }),
    test('rename: what is missing', async (b) => {
      await b.write(b.path('file'), 'x');
      await rejects(b.fs.rename(b.path('missing'), b.path('to')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.fs.rename(b.path('file/below'), b.path('to')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.fs.rename(b.path('missing'), b.path('file')), 'SHARDFEED_NOT_FOUND', 'SHARDFEED_EXISTS');
      assert.deepEqual(await b.names(b.root), ['file']);
    }),
    test('rename: the parent of the target must exist', async (b) => {
      await b.write(b.path('file'), 'x');
      await b.write(b.path('folder/file'), 'x');
      for (const from of ['file', 'folder']) {
        await rejects(b.fs.rename(b.path(from), b.path('no/such')), 'SHARDFEED_NOT_FOUND');
      }
      await rejects(b.fs.rename(b.path('folder'), b.path('file/below')), 'SHARDFEED_NOT_FOUND');
      assert.deepEqual(await b.names(b.root), ['file', 'folder']);
    }),
    ...(['file', 'folder', 'empty folder'] as const).map((source) =>
      test(`rename: of ten ${source}s moved to one name one wins, and the others stay`, async (b) => {
        for (let round = 0; round < 5; round++) {
          const names = Array.from({ length: 10 }, (_, i) => `from-${i}`);
          for (const name of names) await put(b, name, source, name);
          const to = b.path('to');
          const tries = await Promise.allSettled(names.map((name) => b.fs.rename(b.path(name), to)));
          const winners = names.filter((_, i) => tries[i]!.status === 'fulfilled');
          assert.equal(winners.length, 1, 'number of winners');
          await holds(b, 'to', source, winners[0]!);
          for (const [i, result] of tries.entries()) {
            if (result.status === 'fulfilled') continue;
            await rejects(Promise.reject(result.reason), 'SHARDFEED_EXISTS');
            await holds(b, names[i]!, source, names[i]!);
          }
          assert.equal((await b.names(b.root)).length, 10);
          for (const name of await b.names(b.root)) await b.fs.delete(b.path(name));
        }
      }),
    ),
    test('replaceFile: is there as the capabilities say', async (b) => {
      assert.equal(b.fs.replaceFile !== undefined, b.fs.capabilities.replaceFile === true);
    }),
    test('replaceFile: replaces a file, or takes a free name', async (b) => {
      if (b.fs.replaceFile === undefined) return;
      await b.write(b.path('old'), 'old');
      await b.write(b.path('new'), 'new');
      await b.fs.replaceFile(b.path('new'), b.path('old'));
      assert.deepEqual(await b.names(b.root), ['old']);
      assert.equal(await b.text(b.path('old')), 'new');
      await b.fs.replaceFile(b.path('old'), b.path('free'));
      assert.deepEqual(await b.names(b.root), ['free']);
    }),
    test('replaceFile: folders are neither moved nor replaced', async (b) => {
      if (b.fs.replaceFile === undefined) return;
      await b.write(b.path('file'), 'x');
      await b.fs.mkdir(b.path('folder'));
      await rejects(b.fs.replaceFile(b.path('file'), b.path('folder')), 'SHARDFEED_EXISTS');
      await rejects(b.fs.replaceFile(b.path('folder'), b.path('file')), 'SHARDFEED_IO');
      await rejects(b.fs.replaceFile(b.path('folder'), b.path('free')), 'SHARDFEED_IO');
      await rejects(b.fs.replaceFile(b.path('missing'), b.path('file')), 'SHARDFEED_NOT_FOUND');
      await rejects(b.fs.replaceFile(b.path('file'), b.path('no/such')), 'SHARDFEED_NOT_FOUND');
      assert.deepEqual(await b.names(b.root), ['file', 'folder']);
      assert.equal(await b.text(b.path('file')), 'x');
    }),
    test('replaceFile: a reader meets the old or the new file at every moment', async (b) => {
      if (b.fs.replaceFile === undefined) return;
      const path = await b.write(b.path('file'), 'version 0');
      let done = false;
      const reading = (async () => {
        let reads = 0;
        for (; !done || reads === 0; reads++) assert.match(await b.text(path), /^version \d+$/);
      })();
      for (let i = 1; i <= 20; i++) {
        await b.write(b.path('next'), `version ${i}`);
        await b.fs.replaceFile(b.path('next'), path);
      }
      done = true;
      await reading;
      assert.equal(await b.text(path), 'version 20');
    }),
  ];
}

type Thing = 'file' | 'folder' | 'empty folder';

async function put(b: Bench, name: string, thing: Thing, content: string): Promise<void> {
  if (thing === 'file') await b.write(b.path(name), content);
  else if (thing === 'folder') await b.write(b.path(`${name}/inner`), content);
  else await b.fs.mkdir(b.path(name));
}

async function holds(b: Bench, name: string, thing: Thing, content: string): Promise<void> {
  if (thing === 'file') assert.equal(await b.text(b.path(name)), content);
  else if (thing === 'folder') assert.equal(await b.text(b.path(`${name}/inner`)), content);
  else assert.deepEqual(await b.names(b.path(name)), []);
}

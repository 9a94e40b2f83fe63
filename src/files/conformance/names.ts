import assert from 'node:assert/strict';
import { type Bench, type ConformanceCase, type ConformanceTarget, defineCase, rejects } from './case.js';

/** Names that encoders, decoders, shells and patterns like to break. */
const NAMES = [
  '50%',
  'a%20b',
  '%2F',
  '%41',
  'a+b',
  'a b',
  ' leading',
  'trailing ',
  'a#b',
  'a?b',
  'a;b',
  'a&b=c',
  'a:b',
  'a,b',
  'é',
  'e\u0301',
  '日本語',
  '\u{1f600}',
  'line\nbreak',
  'tab\there',
  "quote'",
  'quote"',
  'back\\slash',
  '$HOME',
  '`id`',
  '*',
  '[a]',
  '{a,b}',
  '!x',
  '~',
  '-rf',
  'a..b',
  '..a',
  '...',
  '.hidden',
  '_SUCCESS',
  'x'.repeat(200),
];

export function nameCases(target: ConformanceTarget): ConformanceCase[] {
  const names = NAMES.filter((name) => target.forbidden?.test(name) !== true);
  const test = (name: string, body: (bench: Bench) => Promise<void>) => defineCase(target, name, body);
  return [
    test('names: every byte of a name comes back', async (b) => {
      for (const name of names) await b.write(b.path(`f/${name}`), name);
      assert.deepEqual((await b.names(b.path('f'))).sort(), [...names].sort());
      for (const name of names) {
        const path = b.path(`f/${name}`);
        assert.equal((await b.fs.stat(path)).path, path);
        assert.equal(await b.text(path), name, `content of ${JSON.stringify(name)}`);
      }
    }),
    test('names: folders have them too', async (b) => {
      for (const name of names) await b.write(b.path(`${name}/file`), name);
      for (const name of names) assert.equal(await b.text(b.path(`${name}/file`)), name);
    }),
    test('names: rename and delete take them as they are', async (b) => {
      for (const name of names) {
        await b.write(b.path('from'), name);
        await b.fs.rename(b.path('from'), b.path(name));
        assert.equal(await b.text(b.path(name)), name);
        await b.fs.delete(b.path(name));
        assert.equal(await b.find(b.path(name)), undefined);
      }
      assert.deepEqual(await b.names(b.root), []);
    }),
    test('names: dots and slashes in a path are resolved by their text', async (b) => {
      await b.write(b.path('a/file'), 'x');
      for (const spelling of ['a/./file', 'a//file', 'a/b/../file', './a/file', 'c/../a/file', 'a/file/']) {
        assert.equal(await b.text(`${b.root}/${spelling}`), 'x', spelling);
        assert.equal((await b.fs.stat(`${b.root}/${spelling}`)).path, b.path('a/file'));
      }
      assert.deepEqual(await b.names(b.root), ['a']);
    }),
    test('names: a relative path, and one with NUL, are refused', async (b) => {
      await rejects(b.fs.stat('relative'), 'SHARDFEED_USAGE');
      await rejects(b.read('relative'), 'SHARDFEED_USAGE');
      await rejects(b.fs.create('relative/file'), 'SHARDFEED_USAGE');
      await rejects(b.fs.create(b.path('nul\0')), 'SHARDFEED_USAGE');
      await rejects(b.fs.rename(b.path('x'), 'relative'), 'SHARDFEED_USAGE');
      await rejects(b.fs.delete(''), 'SHARDFEED_USAGE');
      await rejects(b.fs.mkdir('relative'), 'SHARDFEED_USAGE');
    }),
    test('names: what cannot be stored is refused', async (b) => {
      for (const name of NAMES) {
        if (names.includes(name)) continue;
        await rejects(b.fs.create(b.path(name)), 'SHARDFEED_UNSUPPORTED');
        await rejects(b.fs.mkdir(b.path(name)), 'SHARDFEED_UNSUPPORTED');
      }
      assert.deepEqual(await b.names(b.root), []);
    }),
    test('names: upper and lower case differ', async (b) => {
      await b.write(b.path('Case'), 'upper');
      await b.write(b.path('case'), 'lower');
      assert.equal(await b.text(b.path('Case')), 'upper');
      assert.equal(await b.text(b.path('case')), 'lower');
    }),
  ];
}

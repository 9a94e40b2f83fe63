import { expect, test } from 'vitest';
import { zip } from '../../../src/dataset/pipeline/index.js';
import { rows } from '../../../src/records/index.js';
import { collect } from '../../support/collect.js';
import { failureOf, Numbered, numbered } from './numbered.js';

test('puts columns side by side, as long as all have batches', async () => {
  const source = new Numbered({ batches: 9, name: 'other', base: 7 });
  const [first, ...rest] = await collect(zip([numbered({ batches: 3 }), source.stream]));
  expect([...rows(first!)]).toEqual([
    { id: 0, other: 7 },
    { id: 1, other: 8 },
  ]);
  expect(rest.length).toBe(2);
  expect(source.open).toBe(0);
});

test('a row counts where it counts in all', async () => {
  const left = numbered({ rows: 4 }).filter(() => [1, 1, 0, 0]);
  const right = numbered({ rows: 4, name: 'other' }).filter(() => [1, 0, 1, 0]);
  const [batch] = await collect(zip([left, right]));
  expect([...batch!.mask]).toEqual([1, 0, 0, 0]);
});

test('continues anywhere', async () => {
  const stream = zip([numbered({ batches: 3 }), numbered({ name: 'other' }).skip(1)]).repeat(2);
  const batches = await collect(stream);
  for (const [i, { position }] of batches.entries()) {
    expect(await collect(stream.from(position))).toEqual(batches.slice(i + 1));
  }
});

test.each<[string, Numbered, RegExp]>([
  ['the same name', new Numbered(), /two columns named "id": rename one/],
  ['another size', new Numbered({ rows: 3, name: 'other' }), /batches of 2, 3 rows/],
])('refuses columns of %s, and releases all', async (_, other, message) => {
  const source = new Numbered();
  expect(await failureOf(zip([source.stream, other.stream]))).toMatchObject({
    code: 'SHARDFEED_USAGE',
    message: expect.stringMatching(message),
  });
  expect([source.open, other.open]).toEqual([0, 0]);
});

test('one that fails does not wait for one that is stuck', async () => {
  const stuck = new Numbered({
    wait: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  const bad = new Numbered({ wait: () => Promise.reject(new Error('disk')) });
  expect(await failureOf(zip([stuck.stream, bad.stream]))).toEqual(new Error('disk'));
  expect([stuck.open, bad.open]).toEqual([0, 0]);
});

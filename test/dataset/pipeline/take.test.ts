import { expect, test } from 'vitest';
import { collect } from '../../support/collect.js';
import { firsts, Numbered, numbered } from './numbered.js';

test('gives the first batches, or all where there are fewer', async () => {
  expect(await firsts(numbered().take(3))).toEqual([0, 100, 200]);
  expect(await firsts(numbered().take(9))).toEqual([0, 100, 200, 300, 400]);
});

test('of none opens nothing; of some makes no more than those, and closes what it read', async () => {
  const source = new Numbered();
  expect(await firsts(source.stream.take(0))).toEqual([]);
  expect(source.opened).toBe(0);
  await firsts(source.stream.take(2));
  expect(source).toMatchObject({ opened: 1, open: 0, made: 2 });
});

test('goes on counting from a position', async () => {
  const stream = numbered().take(4);
  const batches = await collect(stream);
  expect(batches.map(({ position }) => position)).toEqual(
    [1, 2, 3, 4].map((n) => ({ take: n, at: { epoch: 0, done: n } })),
  );
  expect(await firsts(stream.from(batches[1]!.position))).toEqual([200, 300]);
  expect(await firsts(stream.from(batches[3]!.position))).toEqual([]);
});

test.each([-1, 1.5, Number.NaN])('refuses %s', (batches) => {
  expect(() => numbered().take(batches)).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
});

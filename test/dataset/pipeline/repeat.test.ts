import { expect, test } from 'vitest';
import { collect } from '../../support/collect.js';
import { firsts, numbered } from './numbered.js';

test('asks for the next epoch each time', async () => {
  expect(await firsts(numbered({ batches: 2 }).repeat(3))).toEqual([0, 100, 1000, 1100, 2000, 2100]);
});

test('without a number it goes on and on', async () => {
  expect(await firsts(numbered({ batches: 2 }).repeat().take(5))).toEqual([0, 100, 1000, 1100, 2000]);
});

test('of an empty stream ends', async () => {
  expect(await firsts(numbered({ batches: 0 }).repeat())).toEqual([]);
});

test('repeated again, it goes on with the epochs', async () => {
  expect(await firsts(numbered({ batches: 1 }).repeat(2).repeat(2))).toEqual([0, 1000, 2000, 3000]);
});

test('continues within an epoch, and from its end with the next', async () => {
  const stream = numbered({ batches: 2 }).repeat(3);
  const positions = (await collect(stream)).map(({ position }) => position);
  expect(positions[2]).toEqual({ repeat: 1, at: { epoch: 1, done: 1 } });
  expect(await firsts(stream.from(positions[2]))).toEqual([1100, 2000, 2100]);
  expect(await firsts(stream.from(positions[3]))).toEqual([2000, 2100]);
});

test('refuses the rest of an epoch, which could not be had twice', () => {
  const rest = numbered().from({ epoch: 0, done: 2 });
  expect(() => rest.take(2).repeat(2)).toThrow(/cannot be repeated: write stream\.repeat\(n\)\.from\(position\)/);
});

import { expect, test } from 'vitest';
import { collect } from '../../support/collect.js';
import { firsts, numbered } from './numbered.js';

test('leaves out the first batches', async () => {
  expect(await firsts(numbered().skip(3))).toEqual([300, 400]);
  expect(await firsts(numbered().skip(9))).toEqual([]);
});

test('positions lie behind what was skipped', async () => {
  const stream = numbered().skip(2);
  const [first] = await collect(stream);
  expect(first!.position).toEqual({ epoch: 0, done: 3 });
  expect(await firsts(stream.from(first!.position))).toEqual([300, 400]);
});

test('skips in every epoch what is repeated, and only once what skips a repetition', async () => {
  expect(await firsts(numbered({ batches: 3 }).skip(2).repeat(2))).toEqual([200, 1200]);
  expect(await firsts(numbered({ batches: 3 }).repeat(2).skip(2))).toEqual([200, 1000, 1100, 1200]);
});

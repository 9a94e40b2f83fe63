import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapLimited } from '../../src/dataset/map-limited.js';

const items = Array.from({ length: 20 }, (_, i) => i);

test('gives results in the order of the items, never more at once than allowed', async () => {
  let running = 0;
  let most = 0;
  const work = async (item: number): Promise<number> => {
    most = Math.max(most, ++running);
    for (let i = 0; i < 20 - item; i++) await setImmediate();
    running--;
    return 10 * item;
  };
  expect(await mapLimited(items, work, { limit: 3 })).toEqual(items.map((item) => 10 * item));
  expect(most).toBe(3);
  expect(await mapLimited([], work)).toEqual([]);
});

test('large items run alone, small ones beside each other', async () => {
  const sizes = [100, 1, 20, 5, 40, 10, 10, 10].map((mib) => mib << 20);
  const running = new Set<number>();
  const seen: number[] = [];
  const work = async (_: number, i: number): Promise<void> => {
    running.add(i);
    seen.push([...running].reduce((sum, one) => sum + sizes[one]!, 0) >> 20);
    for (let turns = 0; turns < 5; turns++) await setImmediate();
    running.delete(i);
  };
  await mapLimited(sizes, work, { limit: 4, bytesOf: (size) => size });
  expect(seen).toHaveLength(sizes.length);
  expect(Math.max(...seen.filter((mib) => mib !== 100 && mib !== 40))).toBeLessThanOrEqual(32);
  expect(seen).toContain(31);
});

test('a failure stops what is under way, waits for it, and is the error', async () => {
  const begun: number[] = [];
  let ended = 0;
  const work = async (item: number, _: number, stop: AbortSignal): Promise<void> => {
    begun.push(item);
    if (item === 5) throw new Error('five');
    while (!stop.aborted && item > 2) await setImmediate();
    ended++;
    if (stop.aborted) throw new Error('stopped');
  };
  await expect(mapLimited(items, work, { limit: 4 })).rejects.toThrow('five');
  expect(ended).toBe(begun.length - 1);
  expect(begun.length).toBeLessThan(items.length);
});

test('the caller’s signal reaches the work', async () => {
  const abort = new AbortController();
  const work = async (_: number, __: number, stop: AbortSignal): Promise<void> => {
    abort.abort(new Error('enough'));
    stop.throwIfAborted();
  };
  await expect(mapLimited(items, work, { signal: abort.signal })).rejects.toThrow('enough');
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JointReads } from '../../../src/dataset/reader/joint-reads.js';

const LENGTH = 5_000;
const content = Uint8Array.from({ length: LENGTH }, (_, i) => (i * 31 + (i >> 8)) & 255);

const anOrder = fc.uniqueArray(fc.integer({ min: 1, max: LENGTH - 1 }), { maxLength: 60 }).chain((cuts) => {
  const at = [0, ...cuts.sort((a, b) => a - b), LENGTH];
  const ranges = at.slice(1).map((end, i) => [at[i]!, end] as const);
  return fc.shuffledSubarray(ranges, { minLength: ranges.length });
});

test('in any order every byte is fetched once, and no more is kept than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(anOrder, fc.integer({ min: 0, max: 6_000 }), fc.boolean(), async (order, most, atOnce) => {
      const joint = new JointReads(most);
      for (const [start, end] of order) joint.expect(3, start, end);
      let fetched = 0;
      let requests = 0;
      const fetch = async (start: number, end: number): Promise<Uint8Array> => {
        requests++;
        fetched += end - start;
        await Promise.resolve();
        return content.slice(start, end);
      };
      const take = async ([start, end]: readonly [number, number]): Promise<void> => {
        const taking = joint.take(3, start, end, fetch);
        expect(joint.bytes).toBeLessThanOrEqual(most);
        const found = (await taking) ?? (await fetch(start, end));
        expect(Buffer.compare(found, content.subarray(start, end))).toBe(0);
      };
      if (atOnce) await Promise.all(order.map(take));
      else for (const range of order) await take(range);
      expect(fetched).toBe(LENGTH);
      if (most >= LENGTH) expect(requests).toBe(1);
      expect(joint.bytes).toBe(0);
    }),
    { seed: 4 },
  );
});

test('what failed, or came short, is the error of whoever asked for it; others ask for themselves', async () => {
  const joint = new JointReads(LENGTH);
  const none = async (): Promise<Uint8Array> => expect.unreachable();
  const expectAll = () => {
    for (const start of [0, 100, 200]) joint.expect(0, start, start + 100);
  };
  expectAll();
  const failing = joint.take(0, 100, 200, async () => Promise.reject(new Error('broken')));
  await expect(failing).rejects.toThrow('broken');
  expect(await joint.take(0, 0, 100, none)).toBeUndefined();
  expect(await joint.take(0, 200, 300, none)).toBeUndefined();
  expectAll();
  expect(await joint.take(0, 100, 200, async (start) => content.subarray(start, 250))).toHaveLength(100);
  expect(await joint.take(0, 0, 100, none)).toHaveLength(100);
  expect(await joint.take(0, 200, 300, none)).toBeUndefined();
  expect(joint.bytes).toBe(0);
});

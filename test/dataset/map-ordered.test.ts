import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapOrdered } from '../../src/dataset/map-ordered.js';

async function* count(to: number, failAt = -1): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) {
    if (i === failAt) throw new Error(`source ${i}`);
    yield i;
  }
}

describe('mapOrdered', () => {
  test('keeps the order and the limit, whatever takes how long', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 6 }),
        async (delays, limit) => {
          let held = 0;
          let most = 0;
          const work = async (i: number): Promise<number> => {
            most = Math.max(most, ++held);
            await sleep(delays[i]!);
            return i;
          };
          const seen: number[] = [];
          for await (const i of mapOrdered(count(delays.length), work, limit)) {
            seen.push(i);
            await sleep(delays.at(-1 - i)!);
            held--;
          }
          expect(seen).toEqual(delays.map((_, i) => i));
          expect(most).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('takes items in while the consumer is busy', async () => {
    const started: number[] = [];
    const work = async (i: number): Promise<number> => {
      started.push(i);
      return i;
    };
    for await (const i of mapOrdered(count(9), work, 3)) {
      await sleep(1);
      expect(started.length).toBe(Math.min(9, i + 3));
    }
  });

  test.each(['work', 'source'])('a failure of the %s is thrown in its turn, and ends the rest', async (who) => {
    let underway = 0;
    const work = async (i: number): Promise<number> => {
      underway++;
      await sleep(2);
      underway--;
      if (who === 'work' && i === 5) throw new Error('work 5');
      return i;
    };
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      for await (const i of mapOrdered(count(50, who === 'source' ? 5 : -1), work, 4)) seen.push(i);
    };
    await expect(run()).rejects.toThrow(`${who} 5`);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(underway).toBe(0);
  });

  test('a consumer that stops ends the source', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<number> {
      try {
        yield* count(100);
      } finally {
        closed = true;
      }
    }
    for await (const i of mapOrdered(source(), async (i) => i, 3)) if (i === 4) break;
    expect(closed).toBe(true);
  });
});

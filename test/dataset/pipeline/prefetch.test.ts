import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { collect } from '../../support/collect.js';
import { failureOf, firsts, ids, Numbered, numbered } from './numbered.js';

/** Bytes of a batch of two rows: two doubles and the mask. */
const BATCH = 18;

/** Lets everything that can go on go on. */
const settle = () => sleep(5);

test('gives the same batches and positions', async () => {
  for (const bytes of [0, 1, 3 * BATCH, 1 << 20]) {
    expect(await collect(numbered().prefetch({ bytes }))).toEqual(await collect(numbered()));
  }
});

test.each([
  [0, 1],
  [BATCH, 1],
  [3 * BATCH - 1, 2],
  [3 * BATCH, 3],
])('within %i bytes %i batches wait for the consumer', async (bytes, ready) => {
  const source = new Numbered({ batches: 50 });
  let seen = 0;
  for await (const _ of source.stream.prefetch({ bytes })) {
    await settle();
    expect(source.made).toBe(Math.min(50, ++seen + ready));
    if (seen === 4) break;
  }
  expect(source.open).toBe(0);
});

test('an error comes in its turn', async () => {
  let made = 0;
  const source = new Numbered({
    wait: async () => {
      if (++made === 4) throw new Error('disk');
    },
  });
  const seen: number[] = [];
  const read = async (): Promise<void> => {
    for await (const { position } of source.stream.prefetch()) {
      await settle();
      seen.push(position.done);
    }
  };
  await expect(read()).rejects.toThrow('disk');
  expect(seen).toEqual([1, 2, 3]);
  expect(source.open).toBe(0);
});

test('borrowed batches are copied while they can be', async () => {
  const stream = numbered({ borrowed: true }).prefetch();
  expect((await collect(stream)).map((batch) => ids(batch)[1])).toEqual([1, 101, 201, 301, 401]);
});

test('who stops does not wait for the batch that is being made', async () => {
  const source = new Numbered({
    wait: (signal) => (source.made < 2 ? Promise.resolve() : sleep(1 << 30, undefined, { signal })),
  });
  expect(await firsts(source.stream.prefetch().take(2))).toEqual([0, 100]);
  expect(source.open).toBe(0);
});

test('an abort ends it', async () => {
  const controller = new AbortController();
  const source = new Numbered({ signal: controller.signal, wait: (signal) => sleep(1 << 30, undefined, { signal }) });
  setTimeout(() => controller.abort(), 1);
  expect(await failureOf(source.stream.prefetch())).toMatchObject({ code: 'SHARDFEED_ABORTED' });
  expect(source.open).toBe(0);
});

test('refuses what is no number of bytes', () => {
  expect(() => numbered().prefetch({ bytes: -1 })).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
});

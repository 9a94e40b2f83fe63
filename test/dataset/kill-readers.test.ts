import { expect, test } from 'vitest';
import { killReadersCampaign } from '../campaigns/kill-readers.mjs';

test('readers killed at random moments go on, in other numbers, and deliver every record once', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { kills } = await killReadersCampaign({ count: 2, seed, rows: 10_000 }).catch((cause: Error) => {
    throw new Error(`seed ${seed}: ${cause.message}`, { cause });
  });
  expect(kills).toBeGreaterThan(0);
});

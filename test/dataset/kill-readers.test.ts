import { expect, test } from 'vitest';
import { killReadersCampaign } from '../campaigns/kill-readers.mjs';
import { SEED } from '../support/seed.js';

test('readers killed at random moments go on, in other numbers, and deliver every record once', async () => {
  const { kills } = await killReadersCampaign({ count: 2, seed: SEED, rows: 10_000 });
  expect(kills).toBeGreaterThan(0);
});

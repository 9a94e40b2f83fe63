import { describe, expect, it } from 'vitest';
import { killCampaign } from '../campaigns/kill-convert.mjs';
import { SEED } from '../support/seed.js';

describe('a conversion killed at a random moment', () => {
  it('leaves the old dataset or the new one, whole, and the next run cleans up', async () => {
    const found = await killCampaign({ count: 4, seed: SEED, rows: 20_000 });
    expect(found.none + found.old + found.new).toBe(4);
    expect(found.killed).toBeGreaterThan(0);
  });
});

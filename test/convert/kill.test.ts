import { describe, expect, it } from 'vitest';
import { killCampaign } from '../campaigns/kill-convert.mjs';

describe('a conversion killed at a random moment', () => {
  it('leaves the old dataset or the new one, whole, and the next run cleans up', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const found = await killCampaign({ count: 4, seed, rows: 20_000 }).catch((cause: Error) => {
      throw new Error(`seed ${seed}: ${cause.message}`, { cause });
    });
    expect(found.none + found.old + found.new).toBe(4);
    expect(found.killed).toBeGreaterThan(0);
  });
});

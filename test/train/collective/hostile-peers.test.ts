import { expect, test } from 'vitest';
import { hostilePeersCampaign } from '../../campaigns/hostile-peers.mjs';
import { SEED } from '../../support/seed.js';

test('a job comes together and goes on among strangers, who cost it no memory', async () => {
  const { grown } = await hostilePeersCampaign({ count: 600, loris: 120, seed: SEED });
  expect(Math.max(...grown)).toBeLessThan(50);
});

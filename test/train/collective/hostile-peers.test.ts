import { expect, test } from 'vitest';
import { hostilePeersCampaign } from '../../campaigns/hostile-peers.mjs';

test('a job comes together and goes on among strangers, who cost it no memory', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { grown } = await hostilePeersCampaign({ count: 600, loris: 120, seed }).catch((cause: Error) => {
    throw new Error(`seed ${seed}: ${cause.message}`, { cause });
  });
  expect(Math.max(...grown)).toBeLessThan(50);
});

import { expect, test } from 'vitest';
import { killTrainCampaign } from '../../campaigns/kill-train.mjs';
import { hdfsPlace } from '../../campaigns/places.mjs';
import { testCluster } from '../support/cluster.js';

test('trainings on HDFS whose ranks are killed amid a collective and a checkpoint go on to the same bits', async () => {
  const place = await hdfsPlace(await testCluster('plain'), '/train');
  const seed = Math.floor(Math.random() * 2 ** 32);
  const phases = ['collective', 'write', 'rename'] as const;
  const found = await killTrainCampaign({ count: 3, seed, place, phases }).catch((cause: Error) => {
    throw new Error(`seed ${seed}: ${cause.message}`, { cause });
  });
  for (const phase of phases) expect(found.kills[phase], `${phase}, seed ${seed}`).toBeGreaterThan(0);
});

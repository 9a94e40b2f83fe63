import { expect, test } from 'vitest';
import { killTrainCampaign } from '../../campaigns/kill-train.mjs';
import { hdfsPlace } from '../../campaigns/places.mjs';
import { SEED } from '../../support/seed.js';
import { testCluster } from '../support/cluster.js';

test('trainings on HDFS whose ranks are killed amid a collective and a checkpoint go on to the same bits', async () => {
  const place = await hdfsPlace(await testCluster('plain'), '/train');
  const phases = ['collective', 'write', 'rename'] as const;
  const found = await killTrainCampaign({ count: 3, seed: SEED, place, phases });
  for (const phase of phases) expect(found.kills[phase], phase).toBeGreaterThan(0);
});

import { describe } from 'vitest';
import { groupConformance } from './group-conformance.js';
import { joinHere } from './join-here.js';

describe('local', () => {
  groupConformance({ open: () => joinHere(1), worldSizes: [1], canonical: true });
});

for (const implementation of ['shm', 'tcp'] as const) {
  describe(implementation, () => {
    const open = (worldSize: number) => joinHere(worldSize, { implementation });
    groupConformance({ open, worldSizes: [2, 3, 4, 5], canonical: implementation === 'shm' });
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { MeshOptions } from '../../../src/train/collective/mesh-join.js';
import { jobOptions } from './mesh-builders.js';
import { type RankProcess, startRank } from './rank-processes.js';

const started: RankProcess[] = [];
afterEach(() => Promise.all(started.splice(0).map((rank) => rank[Symbol.asyncDispose]())));

interface Work {
  readonly floats?: number;
  /** Of the last rank. */
  readonly throwAt?: number;
}

async function start(
  ranks: readonly number[],
  worldSize: number,
  more: Partial<MeshOptions> = {},
  work: Work = {},
): Promise<RankProcess[]> {
  const options = await jobOptions(worldSize, more);
  const processes = ranks.map((rank) =>
    startRank({ ...options, rank }, work.floats ?? 1 << 20, rank === worldSize - 1 ? work.throwAt : undefined),
  );
  started.push(...processes);
  return processes;
}

test.each([3, 20, 41])('killed in the middle of a ring, after %i steps: all others name it', async (step) => {
  const ranks = await start([0, 1, 2], 3);
  const victim = step % 3;
  await ranks[victim]!.reached(step);
  ranks[victim]!.child.kill('SIGKILL');
  for (const [rank, { failed }] of ranks.entries()) {
    if (rank === victim) continue;
    expect(await failed).toMatchObject({
      code: 'SHARDFEED_RANK_FAILED',
      culprit: { rank: victim, fault: 'died', phase: 'step' },
    });
  }
});

test.each([0, 30, 150, 400])(
  'killed %i ms after its start, while others are still missing: it is named',
  async (ms) => {
    const [first, second] = await start([0, 1], 3, { deadlines: { join: 1.5 } });
    await sleep(ms);
    second!.child.kill('SIGKILL');
    // Whether it had come or not is a matter of time.
    const failed = await first!.failed;
    expect(['SHARDFEED_RANK_FAILED', 'SHARDFEED_RENDEZVOUS']).toContain(failed!.code);
    expect(failed!.message).toMatch(/rank 1 of 3 died|ranks (1, )?2 of 3 have not come/);
  },
);

test('rank 0 killed in rendezvous: who has come learns of it', async () => {
  const [first, second] = await start([0, 1], 3, { deadlines: { join: 1.5 } });
  await sleep(600);
  first!.child.kill('SIGKILL');
  const failed = await second!.failed;
  expect(failed!.message).toMatch(/rank 0 of 3 died|has not reached rank 0/);
});

test('stopped: it is silent, and when it goes on it learns that it was given up', async () => {
  const ranks = await start([0, 1, 2], 3, { deadlines: { silence: 2 } });
  await ranks[1]!.reached(3);
  ranks[1]!.child.kill('SIGSTOP');
  for (const rank of [0, 2]) {
    expect(await ranks[rank]!.failed).toMatchObject({
      code: 'SHARDFEED_RANK_TIMEOUT',
      culprit: { rank: 1, fault: 'silent', phase: 'step' },
    });
  }
  ranks[1]!.child.kill('SIGCONT');
  expect(await ranks[1]!.failed).toMatchObject({ culprit: { rank: 1, fault: 'silent' } });
});

test('a rank that throws and exits at once is the culprit, not those who end because of it', async () => {
  const ranks = await start([0, 1, 2, 3], 4, {}, { throwAt: 5 });
  for (const { failed } of ranks.slice(0, 3)) {
    const error = await failed;
    expect(error).toMatchObject({ code: 'SHARDFEED_RANK_FAILED', culprit: { rank: 3, fault: 'error', step: 5 } });
    expect(error!.culprit.stack).toContain('nothing works at step 5');
    expect(error!.culprit.stack).toContain('mesh-rank.mjs');
  }
});

test('ranks on both sides of a slow one wait for it', async () => {
  const ranks = await start([0, 1], 2, { deadlines: { silence: 5 } });
  await ranks[1]!.reached(2);
  for (let pause = 0; pause < 10; pause++) {
    ranks[1]!.child.kill('SIGSTOP');
    await sleep(100);
    ranks[1]!.child.kill('SIGCONT');
    await sleep(50);
  }
  await ranks[0]!.reached(3);
  expect(ranks.map(({ child }) => child.exitCode)).toEqual([null, null]);
});

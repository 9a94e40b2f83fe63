import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ShardfeedError } from '../../../src/errors.js';
import type { Culprit, Mesh } from '../../../src/train/collective/mesh.js';
import type { MeshOptions } from '../../../src/train/collective/mesh-join.js';
import { closeAll, joinAll } from './mesh-builders.js';

const open: Mesh[] = [];
afterEach(() => closeAll(open.splice(0)));

async function job(worldSize: number, more: Partial<MeshOptions> = {}): Promise<Mesh[]> {
  const meshes = await joinAll(worldSize, more);
  open.push(...meshes);
  return meshes;
}

async function failureOf(mesh: Mesh): Promise<ShardfeedError & { cause: Culprit }> {
  const error = await mesh.failure.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ShardfeedError);
  return error as ShardfeedError & { cause: Culprit };
}

describe('a rank that throws', () => {
  test('is named on every rank, with phase, step, message and stack', async () => {
    const meshes = await job(3);
    meshes[2]!.progress('evaluate', 17);
    const thrown = new TypeError('no such layer');
    await meshes[2]!.fail(thrown);
    for (const mesh of meshes) {
      const error = await failureOf(mesh);
      expect(error.code).toBe('SHARDFEED_RANK_FAILED');
      expect(error.message).toMatch(/^rank 2 of 3 failed in phase evaluate, step 17, \d+\.\d s after .*no such layer/);
      expect(error.message).toContain('failure.test.ts');
      expect(error.cause).toMatchObject({ rank: 2, fault: 'error', phase: 'evaluate', step: 17, stack: thrown.stack });
    }
  });

  test('is named although others end because of it', async () => {
    const meshes = await job(4);
    // What their scripts make of it.
    const cascade = meshes.slice(2).map((mesh) =>
      mesh.failure.catch(async (error) => {
        await mesh.fail(new Error('the second', { cause: error }));
        await mesh.close();
      }),
    );
    await meshes[1]!.fail(new Error('the first'));
    const errors = await Promise.all(meshes.map(failureOf));
    expect(errors.map(({ cause }) => cause.rank)).toEqual([1, 1, 1, 1]);
    await Promise.all(cascade);
  });

  test('with others at the same time: all name the same one', async () => {
    const meshes = await job(4);
    await Promise.all(meshes.map((mesh) => mesh.fail(new Error('not finite'))));
    const errors = await Promise.all(meshes.map(failureOf));
    expect(errors.map(({ cause }) => cause.rank)).toEqual([0, 0, 0, 0]);
  });

  test('of what ranks do not agree in keeps its code', async () => {
    const meshes = await job(2);
    await meshes[1]!.fail(new ShardfeedError('SHARDFEED_COLLECTIVE', 'rank 0 sums, rank 1 broadcasts'));
    expect((await failureOf(meshes[0]!)).code).toBe('SHARDFEED_COLLECTIVE');
  });

  test('ends who waits for a message, and who asks for one later', async () => {
    const meshes = await job(2);
    const waiting = meshes[0]!.receive(1);
    void meshes[1]!.fail(new Error('gone'));
    await expect(waiting).rejects.toMatchObject({ code: 'SHARDFEED_RANK_FAILED' });
    await expect(meshes[0]!.receive(1)).rejects.toMatchObject({ code: 'SHARDFEED_RANK_FAILED' });
  });
});

describe('a rank that does not go on', () => {
  test('is stuck, where those who wait for it are not', async () => {
    const meshes = await job(3, { deadlines: { step: 0.5, silence: 5 } });
    for (const mesh of meshes) mesh.progress('step', 4);
    for (const rank of [0, 2]) meshes[rank]!.waiting(true);
    for (const mesh of meshes) {
      const error = await failureOf(mesh);
      expect(error.code).toBe('SHARDFEED_RANK_TIMEOUT');
      expect(error.message).toMatch(/rank 1 of 3 is stuck in phase step, step 4/);
      expect(error.cause).toMatchObject({ rank: 1, fault: 'stuck' });
    }
  });

  test('has the time that its phase has', async () => {
    const meshes = await job(2, { deadlines: { step: 0.2, checkpoint: 600, silence: 5 } });
    meshes[0]!.progress('checkpoint', 8);
    meshes[1]!.progress('step', 8);
    meshes[1]!.waiting(true);
    const failed = meshes[1]!.failure.catch(() => 'failed');
    expect(await Promise.race([failed, sleep(1000, 'alive')])).toBe('alive');
  });

  test('is not one that is slow', async () => {
    const meshes = await job(2, { deadlines: { step: 3, silence: 5 } });
    const failed = Promise.race(meshes.map((mesh) => mesh.failure)).catch(() => 'failed');
    meshes[0]!.progress('step', 1);
    meshes[0]!.waiting(true);
    for (let step = 1; step <= 9; step++) {
      meshes[1]!.progress('step', step);
      await sleep(400);
    }
    expect(await Promise.race([failed, sleep(0, 'alive')])).toBe('alive');
  });

  test('may be all of them, where each waits for another', async () => {
    const meshes = await job(2, { deadlines: { step: 0.3, silence: 5 } });
    for (const [rank, mesh] of meshes.entries()) {
      mesh.progress('step', 9 - rank);
      mesh.waiting(true);
    }
    for (const mesh of meshes) {
      const error = await failureOf(mesh);
      expect(error.message).toContain('all ranks wait for each other');
      expect(error.cause.rank).toBe(1);
    }
  });
});

describe('a rank that leaves', () => {
  test('is at fault where it is still waited for', async () => {
    const meshes = await job(2);
    const waiting = meshes[0]!.receive(1);
    await meshes[1]!.close();
    await expect(waiting).rejects.toThrow(/rank 1 of 2 left the job.*has closed its group/);
  });

  test('is at fault where an operation waits for it', async () => {
    const meshes = await job(2);
    meshes[0]!.waiting(true);
    await meshes[1]!.close();
    expect((await failureOf(meshes[0]!)).cause).toMatchObject({ rank: 1, fault: 'left' });
  });

  test('takes nothing with it: what it sent is there, and the others go on', async () => {
    const meshes = await job(3);
    meshes[1]!.send(0, { last: true });
    await meshes[1]!.close();
    await meshes[1]!.close();
    expect(await meshes[0]!.receive(1)).toEqual({ last: true });
    meshes[0]!.send(2, { still: 'here' });
    expect(await meshes[2]!.receive(0)).toEqual({ still: 'here' });
    await expect(meshes[1]!.receive(0)).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
  });
});

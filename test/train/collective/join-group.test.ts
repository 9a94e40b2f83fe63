import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
// Worker threads run built files, so the built package is what is tested here.
import { joinGroup } from '../../../dist/train/index.js';
import { freePort } from './free-port.js';
import { jobHere, joinHere } from './join-here.js';

test('a process that nobody launched is a group of one rank, at once and without a thread', async () => {
  await using group = await joinGroup({ environment: {} });
  expect(group).toMatchObject({ rank: 0, worldSize: 1, implementation: 'local', stopRequested: false });
});

test('where the implementation is open, ranks of one host share memory', async () => {
  const groups = await joinHere(2);
  expect(groups.map(({ implementation }) => implementation)).toEqual(['shm', 'shm']);
  await Promise.all(groups.map((group) => group.close()));
});

test('rank, number of ranks and address are read from the environment', async () => {
  const port = String(await freePort());
  const environment = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: port, SHARDFEED_SECRET: 's' };
  const groups = await Promise.all(['0', '1'].map((RANK) => joinGroup({ environment: { ...environment, RANK } })));
  const ranks = await Promise.all(groups.map((group) => group.allGatherObject(group.rank)));
  expect(ranks).toEqual([
    [0, 1],
    [0, 1],
  ]);
  await Promise.all(groups.map((group) => group.close()));
});

test.each([
  ['plan', { planHash: 'abc' }, { planHash: 'def' }, /the same plan: rank 0 has "abc", rank 1 has "def"/],
  ['implementation', { implementation: 'tcp' }, {}, /the same implementation: rank 0 has "tcp", rank 1 has "auto"/],
] as const)('ranks with another %s are told so, by name', async (_, mine, others, message) => {
  const common = { ...jobHere, worldSize: 2, port: await freePort() };
  const outcomes = await Promise.allSettled([
    joinGroup({ ...common, rank: 0, ...mine }),
    joinGroup({ ...common, rank: 1, ...others }),
  ]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'SHARDFEED_COLLECTIVE' } });
    expect((outcome as PromiseRejectedResult).reason.message).toMatch(message);
  }
});

test('a rank that waits for others stops waiting when its signal fires', async () => {
  const stop = new AbortController();
  const joining = joinGroup({ ...jobHere, rank: 0, worldSize: 2, port: await freePort(), signal: stop.signal });
  setTimeout(() => stop.abort(), 100);
  await expect(joining).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
  await expect(joinGroup({ signal: stop.signal })).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
});

test('ranks that have come together leave nothing at the signal', async () => {
  const { signal } = new AbortController();
  const groups = await joinHere(2, { signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await Promise.all(groups.map((group) => group.close()));
});

test('too few ranks within the deadline: who is missing is told', async () => {
  const alone = { ...jobHere, rank: 0, worldSize: 3, port: await freePort(), deadlines: { join: 0.3 } };
  await expect(joinGroup(alone)).rejects.toMatchObject({
    code: 'SHARDFEED_RENDEZVOUS',
    message: expect.stringContaining('ranks 1, 2 of 3'),
  });
});

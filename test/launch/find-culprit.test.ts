import { expect, test } from 'vitest';
import { exitCodeOfEnd, findCulprit, type ToldError, type WorkerEnd } from '../../src/launch/find-culprit.js';

const end = (rank: number, code: number | null, signal: NodeJS.Signals | null = null, killed = false): WorkerEnd => {
  return { rank, code, signal, killed, tail: [] };
};
const told = (by: ToldError['by'], rank: number, code?: string): ToldError => {
  return { by, culprit: { rank, message: `${by}'s word`, code } };
};
const FAILED = 'SHARDFEED_RANK_FAILED';

test.each<[what: string, ends: WorkerEnd[], errors: ToldError[], rank: number | undefined]>([
  ['nobody', [end(0, 0), end(1, 75), end(2, 143)], [], undefined],
  ['nobody, whatever is told', [end(0, 0), end(1, 0)], [told('group', 1)], undefined],
  ['the first to end', [end(2, 1), end(0, 1)], [], 2],
  ['not who fell over another one, though it ended first', [end(0, 1), end(1, 3)], [told('guard', 0, FAILED)], 1],
  ['whom the group names, though another ended first', [end(0, 1), end(1, 3)], [told('group', 1)], 1],
  ['not whom the group names where it did well', [end(1, 0), end(0, 1)], [told('group', 1)], 0],
  ['the stuck one', [end(0, 1), end(1, null, 'SIGKILL', true)], [told('group', 1), told('guard', 0, FAILED)], 1],
  ['the stuck one, unnamed', [end(0, 1), end(1, null, 'SIGKILL', true)], [told('guard', 0, FAILED)], 1],
  ['not who was killed because of the first', [end(0, null, 'SIGKILL', true), end(1, 1)], [], 1],
  [
    'somebody, where all fell over each other',
    [end(1, 1), end(0, 1)],
    [told('guard', 0, FAILED), told('guard', 1, FAILED)],
    1,
  ],
])('%s', (_, ends, errors, rank) => {
  expect(findCulprit(ends, errors)?.rank).toBe(rank);
});

test('what all know of it comes together', () => {
  const stack = 'Error: boom';
  const errors: ToldError[] = [
    { by: 'group', culprit: { rank: 1, message: 'left', phase: 'step', step: 5 } },
    { by: 'guard', culprit: { rank: 1, message: 'boom', stack } },
  ];
  expect(findCulprit([end(1, 1)], errors)).toEqual({ rank: 1, message: 'boom', phase: 'step', step: 5, stack });
  const tail = ['a', 'b'];
  expect(findCulprit([{ ...end(1, 5), tail }], [])).toEqual({
    rank: 1,
    message: 'ended with exit code 5',
    stack: 'a\nb',
  });
});

test('exit codes', () => {
  expect([end(0, 42), end(0, null, 'SIGSEGV'), end(0, null, 'SIGKILL', true)].map(exitCodeOfEnd)).toEqual([42, 139, 1]);
});

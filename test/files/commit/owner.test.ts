import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isGone, newJobId, ownerOf, thisProcess } from '../../../src/files/commit/owner.js';

test('a job id tells its process', () => {
  const id = newJobId();
  expect(id).toMatch(/^[a-z0-9]{1,64}$/);
  expect(newJobId()).not.toBe(id);
  expect(ownerOf(id)).toEqual(thisProcess());
  expect(thisProcess()).toMatchObject({ pid: process.pid });
  expect(ownerOf('job1')).toBe(undefined);
});

test('a process is gone once it has ended, also while nobody has asked for its exit', async () => {
  expect(isGone(thisProcess())).toBe(false);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const { space } = thisProcess();
  const alive = await import('node:fs').then(({ readFileSync }) => readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  const started = Number(alive.slice(alive.lastIndexOf(')') + 2).split(' ')[19]);
  const owner = { space, pid: child.pid!, started };
  expect(isGone(owner)).toBe(false);
  expect(isGone({ ...owner, started: started - 1 })).toBe(true);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  expect(isGone(owner)).toBe(true);
});

test('nothing is known of processes elsewhere', () => {
  expect(isGone({ space: '00000000', pid: 1, started: 1 })).toBe(false);
});

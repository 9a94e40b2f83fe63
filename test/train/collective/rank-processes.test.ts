import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { freePort } from './free-port.js';

const PROGRAM = fileURLToPath(new URL('./rank.mjs', import.meta.url));
const LAUNCHER_FD = 3;
const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Rank {
  readonly child: ChildProcess;
  /** The next line that it prints, or undefined behind the last. */
  next(): Promise<Record<string, unknown> | undefined>;
  /** The launcher's end of its pipe. */
  readonly pipe: Duplex;
  /** What it has told its launcher. */
  readonly told: { type: string; [name: string]: unknown }[];
  readonly exited: Promise<NodeJS.Signals | number | null>;
}

async function start(worldSize: number, options: object): Promise<Rank[]> {
  const env = {
    ...process.env,
    WORLD_SIZE: String(worldSize),
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(await freePort()),
    SHARDFEED_SECRET: 'of the tests',
    SHARDFEED_LAUNCHER_FD: String(LAUNCHER_FD),
  };
  return Array.from({ length: worldSize }, (_, rank) => {
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      env: { ...env, RANK: String(rank) },
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    children.add(child);
    const exited = new Promise<NodeJS.Signals | number | null>((resolve) =>
      child.once('exit', (code, signal) => {
        children.delete(child);
        resolve(signal ?? code);
      }),
    );
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const pipe = child.stdio[LAUNCHER_FD] as Duplex;
    pipe.on('error', () => {});
    const told: Rank['told'] = [];
    createInterface({ input: pipe }).on('line', (line) => told.push(JSON.parse(line)));
    const next = async () => {
      const { done, value } = await lines.next();
      return done === true ? undefined : (JSON.parse(value) as Record<string, unknown>);
    };
    return { child, next, pipe, told, exited };
  });
}

const ourShm = () => readdirSync('/dev/shm').filter((name) => name.startsWith('shardfeed-'));

test.each(['shm', 'tcp'])('%s: ranks that wait synchronously reduce, and end in order', async (implementation) => {
  const ranks = await start(2, { implementation, elements: 100_000, steps: 5, sync: true });
  for (const [rank, { next, told, exited, child }] of ranks.entries()) {
    expect(await next()).toEqual({ joined: implementation });
    expect(await next()).toEqual({ step: 2 });
    expect(await next()).toEqual({ stopped: false });
    expect(await exited).toBe(0);
    expect(told.slice(0, 3)).toEqual([
      { type: 'phase', phase: 'join', step: 0 },
      { type: 'joined', rank, pid: child.pid },
      { type: 'phase', phase: 'step', step: 0 },
    ]);
    expect(told.filter(({ type }) => type === 'report')).toHaveLength(5);
    expect(told.at(-1)).toEqual({ type: 'done' });
  }
});

test.each(['shm', 'tcp'])(
  '%s: when a rank is killed in the middle, all others end and name it',
  async (implementation) => {
    for (const [elements, sync] of [
      [100, true],
      [4_000_000, false],
    ] as const) {
      const ranks = await start(3, { implementation, elements, sync });
      for (const { next } of ranks) {
        expect(await next()).toEqual({ joined: implementation });
        expect(await next()).toEqual({ step: 2 });
      }
      const [first, victim, last] = ranks;
      victim!.child.kill('SIGKILL');
      for (const { next, exited, told } of [first!, last!]) {
        expect(await next()).toMatchObject({ code: 'SHARDFEED_RANK_FAILED', culprit: 1 });
        expect(await exited).toBe(0);
        expect(told.find(({ type }) => type === 'error')).toMatchObject({ culprit: { rank: 1, phase: 'step' } });
      }
    }
    expect(ourShm()).toEqual([]);
  },
);

test('when the launcher is gone the ranks are killed, even while they wait synchronously', async () => {
  const ranks = await start(2, { elements: 10, sync: true });
  for (const { next } of ranks) await next();
  for (const { pipe } of ranks) pipe.destroy();
  for (const { exited } of ranks) expect(await exited).toBe('SIGKILL');
  expect(ourShm()).toEqual([]);
});

test('a rank learns in the midst of synchronous work that it is to stop', async () => {
  const [rank] = await start(1, { elements: 10, sync: true });
  expect(await rank!.next()).toEqual({ joined: 'local' });
  rank!.pipe.write('{"type":"stop","reason":"a test"}\n');
  const last = [await rank!.next(), await rank!.next()].find((line) => line !== undefined && 'stopped' in line);
  expect(last).toEqual({ stopped: true });
  expect(await rank!.exited).toBe(0);
});

// A rank as the launcher sees it, without a group: it tells of itself on the launcher's pipe and does what its arguments say.
// rank.mjs ACTION [argument...]: an action `1:throw` is rank 1's alone; `1@0:throw` in attempt 0 alone.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';

const { env } = process;
const fd = env.SHARDFEED_LAUNCHER_FD;
const launcher = fd === undefined ? new PassThrough() : new Socket({ fd: Number(fd) });
launcher.on('error', () => {});
const tell = (message) => launcher.write(`${JSON.stringify(message)}\n`);
const stopped = new Promise((resolve) => launcher.on('data', (part) => resolve(JSON.parse(part))));
const forever = () => new Promise(() => setInterval(() => {}, 1000));

const ACTIONS = {
  joining: () => tell({ type: 'phase', phase: 'join', step: 0 }),
  join: () => tell({ type: 'joined', rank: Number(env.RANK), pid: process.pid }),
  step: (n) => tell({ type: 'report', step: Number(n), loss: 0.5, recordsPerSecond: 1000 }),
  throw: () => {
    throw Object.assign(new Error('boom'), { code: 'SHARDFEED_RANGE' });
  },
  refuse: (code) => {
    throw Object.assign(new Error('no'), { code });
  },
  echo: () => {
    throw Object.assign(new Error('rank 1 failed'), { code: 'SHARDFEED_RANK_FAILED' });
  },
  exit: (code) => process.exit(Number(code)),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  name: (rank) =>
    tell({ type: 'error', culprit: { rank: Number(rank), phase: 'step', step: 7, age: 120, message: 'is stuck' } }),
  inUse: () => {
    throw Object.assign(new Error(`listen EADDRINUSE: address already in use ${env.MASTER_PORT}`), {
      code: 'SHARDFEED_RENDEZVOUS',
    });
  },
  wait: forever,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Number(ms))),
  spin: () => {
    for (;;);
  },
  /** Waits to be asked to leave, saves, leaves. */
  save: async () => {
    tell({ type: 'phase', phase: 'ready' });
    const { type } = await stopped;
    process.exit(type === 'stop' ? 75 : 1);
  },
  /** Fails when it is asked to leave. */
  fail: async () => {
    tell({ type: 'phase', phase: 'ready' });
    await stopped;
    ACTIONS.throw();
  },
  ignore: () => {
    tell({ type: 'phase', phase: 'ready' });
    return forever();
  },
  ready: () => tell({ type: 'phase', phase: 'ready' }),
  say: (text) => console.log(text),
  complain: (text) => console.error(text),
  /** A process of its own that would stay. */
  child: (path) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    child.unref();
    writeFileSync(path, String(child.pid));
  },
  pid: (path) => writeFileSync(path, String(process.pid)),
  env: () => {
    const names = [
      'RANK',
      'LOCAL_RANK',
      'WORLD_SIZE',
      'LOCAL_WORLD_SIZE',
      'MASTER_ADDR',
      'SHARDFEED_ATTEMPT',
      'SHARDFEED_GUARD_FD',
    ];
    const secret = env.SHARDFEED_SECRET_FILE;
    console.log(
      JSON.stringify({
        ...Object.fromEntries(names.map((name) => [name, env[name]])),
        port: Number(env.MASTER_PORT),
        job: env.SHARDFEED_JOB_ID,
        secret: readFileSync(secret, 'utf8'),
        mode: (statSync(secret).mode & 0o777).toString(8),
      }),
    );
  },
  /** What a group would read of its environment. */
  place: async () => {
    const { rankFromEnvironment } = await import('../../../dist/train/rendezvous/environment.js');
    console.log(JSON.stringify(rankFromEnvironment(env)));
  },
  /** Whether the secret's file goes away. */
  secretGone: async () => {
    while (existsSync(env.SHARDFEED_SECRET_FILE)) await ACTIONS.sleep(10);
  },
};

const mine = process.argv.slice(2).flatMap((word) => {
  const [, rank, attempt, action, argument] = /^(?:(\d+)?(?:@(\d+))?:)?(\w+)(?:=(.*))?$/s.exec(word);
  if (rank !== undefined && rank !== env.RANK) return [];
  if (attempt !== undefined && attempt !== env.SHARDFEED_ATTEMPT) return [];
  return [{ action, argument }];
});
// From the start: the signal may come as soon as the rank is known to live.
if (mine.some(({ action }) => ['save', 'fail', 'ignore'].includes(action))) process.on('SIGTERM', () => {});
for (const { action, argument } of mine) await ACTIONS[action](argument);
launcher.destroy();

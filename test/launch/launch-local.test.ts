import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type LaunchEvent, type LaunchOptions, launchLocal } from '../../dist/launch/index.js';
import { start } from '../cli/run.js';
import { scratchFolder } from '../files/scratch.js';
import { isAlive, until } from './processes.js';

const RANK = fileURLToPath(new URL('scripts/rank.mjs', import.meta.url));
const scratch = await scratchFolder();

async function launch(args: readonly string[], options: Partial<LaunchOptions> = {}) {
  const events: LaunchEvent[] = [];
  const lines: string[] = [];
  const launched = await launchLocal({
    ...{ script: RANK, args, workers: 2, maxRestarts: 0, linger: 0.5, pause: 0.05 },
    onLine: (rank, stream, line) => void lines.push(`${rank} ${stream} ${Buffer.from(line)}`),
    ...options,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  return { ...launched, events, lines, starts: events.filter(({ type }) => type === 'start') };
}

const pidsOf = (events: readonly LaunchEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'start' ? event.pids.map(Number) : []));

describe('what a worker finds', () => {
  test('its place, a secret that only it can read, and nothing of the guard', async () => {
    const { exitCode, lines, events } = await launch(['env', 'join', 'secretGone'], { workers: 3 });
    expect(exitCode).toBe(0);
    const found = lines.map((line) => JSON.parse(line.replace(/^\d stdout /, ''))).sort((a, b) => a.RANK - b.RANK);
    const [{ secret, job, port }] = found;
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(found).toEqual(
      [0, 1, 2].map((rank) => ({
        ...{ RANK: `${rank}`, LOCAL_RANK: `${rank}`, WORLD_SIZE: '3', LOCAL_WORLD_SIZE: '3', MASTER_ADDR: '127.0.0.1' },
        ...{ SHARDFEED_ATTEMPT: '0', port, job, secret, mode: '600' },
      })),
    );
    expect(events.filter(({ type }) => type === 'joined')).toHaveLength(3);
  });

  test('nothing that another system said of its place', async () => {
    const strange = {
      ...{
        TF_CONFIG: '{"cluster":{"worker":["a:1","b:2"]},"task":{"type":"worker","index":1}}',
        SHARDFEED_SECRET: 'old',
      },
      ...{ OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '4', JOB_COMPLETION_INDEX: '7', SHARDFEED_LISTEN: '::1' },
      TORCHELASTIC_USE_AGENT_STORE: 'True',
    };
    const { lines, events } = await launch(['place'], { env: { ...process.env, ...strange } });
    const ports = events.flatMap((event) => (event.type === 'start' ? [event.port] : []));
    const places = lines.map((line) => JSON.parse(line.replace(/^\d stdout /, ''))).sort((a, b) => a.rank - b.rank);
    expect(places).toMatchObject([0, 1].map((rank) => ({ rank, worldSize: 2, address: '127.0.0.1', port: ports[0] })));
    expect(places.every(({ secret, listen }) => secret.length === 64 && listen === undefined)).toBe(true);
  });

  test('its arguments as they are', async () => {
    const { lines } = await launch(['say=a b', 'say=$HOME "\u00fc"', 'say='], { workers: 1 });
    expect(lines).toEqual(['0 stdout a b', '0 stdout $HOME "\u00fc"', '0 stdout ']);
  });
});

describe('who failed first', () => {
  test.each([
    [
      'throws: its stack, while the other fell over it',
      ['join', '0:sleep=300', '0:echo', '1:throw'],
      1,
      { rank: 1, code: 'SHARDFEED_RANGE', stack: expect.stringContaining('rank.mjs') },
    ],
    [
      'throws, and the other says so first',
      ['join', '0:name=1', '0:echo', '1:sleep=200', '1:throw'],
      1,
      { rank: 1, message: 'boom', phase: 'step', step: 7, stack: expect.stringContaining('boom') },
    ],
    ['exits', ['join', '0:wait', '1:exit=42'], 42, { rank: 1, message: 'ended with exit code 42' }],
    [
      'complains and exits',
      ['join', '0:wait', '1:complain=out of luck', '1:exit=4'],
      4,
      { rank: 1, stack: 'out of luck' },
    ],
    ['is killed', ['join', '0:wait', '1:kill'], 137, { rank: 1, message: 'was ended by SIGKILL' }],
    [
      'is killed, the other falls over it at once',
      ['join', '0:sleep=100', '0:name=1', '0:echo', '1:kill'],
      137,
      { rank: 1, step: 7 },
    ],
    ['is stuck', ['join', '0:name=1', '0:echo', '1:spin'], 1, { rank: 1, phase: 'step', step: 7, age: 120 }],
    ['throws what is no error', ['0:wait', '1:throw'], 1, { rank: 1 }],
  ])('%s', async (_, args, exitCode, culprit) => {
    const launched = await launch(args);
    expect(launched).toMatchObject({ exitCode, culprit, attempts: 1 });
    for (const pid of pidsOf(launched.events)) expect(isAlive(pid)).toBe(false);
  });
});

describe('restarts', () => {
  test('go on until all end well, and count attempts', async () => {
    const { exitCode, events, lines } = await launch(['join', '1@0:kill', '@0:wait', 'say=trained'], {
      maxRestarts: 2,
    });
    expect(exitCode).toBe(0);
    expect(lines.sort()).toEqual(['0 stdout trained', '1 stdout trained']);
    expect(events.filter(({ type }) => ['start', 'failed', 'restart'].includes(type))).toMatchObject([
      { type: 'start', attempt: 0 },
      { type: 'failed', attempt: 0, culprit: { rank: 1 } },
      { type: 'restart', attempt: 1, workers: 2, pauseMs: 50 },
      { type: 'start', attempt: 1 },
    ]);
  });

  test('end when they are used up', async () => {
    const launched = await launch(['join', '1:throw', 'wait'], { maxRestarts: 1 });
    expect(launched).toMatchObject({ exitCode: 1, attempts: 2, culprit: { rank: 1 } });
  });

  test('are not made where the script fails by itself before it joins', async () => {
    expect(await launch(['throw'], { maxRestarts: 3 })).toMatchObject({ exitCode: 1, attempts: 1 });
  });

  test.each(['USAGE', 'SCHEMA_INVALID', 'SCHEMA_MISMATCH', 'UNSUPPORTED', 'CHECKPOINT'])(
    'are not made for what they cannot mend: SHARDFEED_%s',
    async (name) => {
      const code = `SHARDFEED_${name}`;
      const launched = await launch(['join', '0:wait', `1:refuse=${code}`], { maxRestarts: 3 });
      expect(launched).toMatchObject({ exitCode: 1, attempts: 1, culprit: { rank: 1, code } });
      expect(launched.events.find(({ type }) => type === 'failed')).toMatchObject({
        final: `${code} would come again`,
      });
    },
  );

  test('are made for another error, and say nothing of an end', async () => {
    const launched = await launch(['join', '0:wait', '1:refuse=SHARDFEED_IO'], { maxRestarts: 1 });
    expect(launched).toMatchObject({ exitCode: 1, attempts: 2 });
    for (const event of launched.events) expect(event).not.toHaveProperty('final');
  });

  test('that get nowhere go on with one worker less', async () => {
    const args = ['join', '@0:step=5', '@1:step=5', '@0:kill', '@1:kill', 'say=trained'];
    const launched = await launch(args, { workers: 3, minWorkers: 1, maxRestarts: 3 });
    expect(launched).toMatchObject({ exitCode: 0, attempts: 3, workers: 2 });
    expect(launched.starts).toMatchObject([{ workers: 3 }, { workers: 3 }, { workers: 2 }]);
  });

  test('for a port that was taken do not count', async () => {
    const launched = await launch(['0@0:inUse', '0@1:inUse', 'join']);
    expect(launched).toMatchObject({ exitCode: 0, attempts: 3 });
    const ports = launched.starts.map((event) => event.type === 'start' && event.port);
    expect(new Set(ports).size).toBe(3);
  });
});

describe('a rank that ends well without joining', () => {
  test.each([
    ['before', ['1:exit=0', '0:sleep=200', 'joining', 'wait']],
    ['after', ['1:sleep=200', '1:exit=0', 'joining', 'wait']],
    ['while it joins itself, and', ['joining', '1:exit=0', 'wait']],
  ])('%s others wait for it is named, and all end for good', async (_, args) => {
    const launched = await launch(args, { maxRestarts: 3, workers: 3 });
    expect(launched).toMatchObject({
      ...{ exitCode: 1, attempts: 1 },
      culprit: {
        rank: 1,
        message: 'ended without joining the others: every rank must call fit or joinGroup',
      },
    });
    for (const pid of pidsOf(launched.events)) expect(isAlive(pid)).toBe(false);
  });

  test('is none where nobody waits, or where it had joined', async () => {
    const { exitCode, culprit } = await launch(['1:exit=0', 'sleep=800']);
    expect({ exitCode, culprit }).toEqual({ exitCode: 0, culprit: undefined });
    const finished = await launch(['joining', '1:join', '1:sleep=100', '1:exit=0', 'sleep=800', 'join']);
    expect([finished.exitCode, finished.culprit]).toEqual([0, undefined]);
  });

  test('is not blamed for what failed meanwhile, nor for a stop', async () => {
    const failed = await launch(['1:exit=0', 'joining', '0:wait', 'sleep=200', 'exit=7'], { workers: 3, linger: 5 });
    expect(failed).toMatchObject({ exitCode: 7, culprit: { rank: 2 } });
    const stop = new AbortController();
    const onEvent = ({ type }: LaunchEvent): void => void (type === 'exit' && stop.abort());
    const stopped = await launch(['1:exit=0', 'joining', 'ignore'], { stop: stop.signal, onEvent, grace: 1 });
    expect([stopped.exitCode, stopped.culprit]).toEqual([143, undefined]);
  });

  test('is seen where the others call joinGroup', async () => {
    const script = join(scratch, 'one-joins.mjs');
    const train = new URL('../../dist/train/index.js', import.meta.url);
    await writeFile(script, `if (process.env.RANK === '0') await (await import('${train}')).joinGroup();`);
    expect(await launch([], { script })).toMatchObject({ exitCode: 1, culprit: { rank: 1, code: 'SHARDFEED_USAGE' } });
  });
});

describe('a stop', () => {
  const stopping = (ready = 2) => {
    const stop = new AbortController();
    let count = 0;
    const onEvent = ({ type }: LaunchEvent): void => {
      if (type === 'phase' && ++count === ready) stop.abort(new Error('stopped by SIGINT', { cause: 'SIGINT' }));
    };
    return { stop: stop.signal, onEvent, maxRestarts: 3 };
  };

  test('lets all save and leave: 75', async () => {
    const { exitCode, attempts, culprit } = await launch(['join', 'save'], stopping());
    expect({ exitCode, attempts, culprit }).toEqual({ exitCode: 75, attempts: 1, culprit: undefined });
  });

  test.each([
    [['0:exit=143', 'exit=143'], 143],
    [['0:exit=75', 'exit=143'], 143],
    [['0:exit=75', 'exit=0'], 75],
  ] as const)('that ranks were asked for by another is theirs to tell: %j ends with %i', async (args, code) => {
    const { exitCode, attempts, culprit } = await launch(['join', ...args], { maxRestarts: 3 });
    expect({ exitCode, attempts, culprit }).toEqual({ exitCode: code, attempts: 1, culprit: undefined });
  });

  test('of scripts that know nothing of it tells the signal', async () => {
    const { exitCode, culprit } = await launch(['ready', 'wait'], stopping());
    expect({ exitCode, culprit }).toEqual({ exitCode: 130, culprit: undefined });
  });

  test('of who ignores it ends it after the grace', async () => {
    const launched = await launch(['ignore'], { ...stopping(), grace: 0.3 });
    expect(launched).toMatchObject({ exitCode: 130, attempts: 1 });
    for (const pid of pidsOf(launched.events)) expect(isAlive(pid)).toBe(false);
  });

  test('that fails on the way is a failure, and not restarted', async () => {
    const launched = await launch(['join', '0:save', '1:fail'], stopping());
    expect(launched).toMatchObject({ exitCode: 1, attempts: 1, culprit: { rank: 1, message: 'boom' } });
  });

  test('during the pause before a restart ends it', async () => {
    const stop = new AbortController();
    const launched = await launch(['join', 'kill'], {
      ...{ maxRestarts: 3, pause: 60, stop: stop.signal },
      onEvent: ({ type }) => type === 'restart' && stop.abort(),
    });
    expect(launched).toMatchObject({ exitCode: 137, attempts: 1 });
  });

  test('by `signal` kills', async () => {
    const kill = new AbortController();
    const launched = await launch(['join', 'ignore'], {
      signal: kill.signal,
      onEvent: ({ type }) => type === 'phase' && kill.abort(),
    });
    expect(launched.exitCode).toBe(143);
    for (const pid of pidsOf(launched.events)) expect(isAlive(pid)).toBe(false);
  });
});

describe('output', () => {
  test('comes in whole lines, also where characters and lines arrive in pieces', async () => {
    const script = join(scratch, 'pieces.mjs');
    const text = 'grün 🚂\nund ohne Ende';
    await writeFile(
      script,
      `const bytes = Buffer.from(${JSON.stringify(text)});
       for (const byte of bytes) {
         process.stdout.write(Buffer.of(byte));
         await new Promise((resolve) => setTimeout(resolve, 2));
       }`,
    );
    const { lines } = await launch([], { script });
    expect(lines.sort()).toEqual(
      [0, 1].flatMap((rank) => text.split('\n').map((line) => `${rank} stdout ${line}`)).sort(),
    );
  });

  test('goes to a log per rank, over all attempts', async () => {
    const logDir = join(scratch, 'logs', 'deep');
    await launch(['join', 'say=hello', 'complain=alas', '@0:sleep=200', '1@0:kill', '@0:wait'], {
      logDir,
      maxRestarts: 1,
    });
    for (const rank of [0, 1]) {
      const log = await readFile(join(logDir, `rank-${rank}.log`), 'utf8');
      const attempts = log.split(/^--- attempt \d, .* ---\n/m).slice(1);
      expect(
        attempts.map((part) =>
          part
            .split('\n')
            .filter((line) => line !== '')
            .sort(),
        ),
      ).toEqual([
        ['alas', 'hello'],
        ['alas', 'hello'],
      ]);
    }
  });

  test('of a slow reader is waited for, not gathered', async () => {
    const script = join(scratch, 'much.mjs');
    await writeFile(script, `for (let i = 0; i < 20000; i++) console.log(i + ' '.repeat(100));`);
    let at = 0;
    await launch([], {
      ...{ script, workers: 1 },
      onLine: async (_, __, line) => {
        expect(Number(Buffer.from(line))).toBe(at++);
        if (at % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      },
    });
    expect(at).toBe(20000);
  });
});

describe('scripts', () => {
  test('that do not exist, are folders, or TypeScript that nothing here runs, are refused', async () => {
    await expect(launch([], { script: join(scratch, 'none.mjs') })).rejects.toMatchObject({
      code: 'SHARDFEED_NOT_FOUND',
    });
    await expect(launch([], { script: scratch })).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
    await expect(launch([], { workers: 0 })).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
    await expect(launch([], { minWorkers: 3 })).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
  });

  test('in TypeScript run, or are refused with what to do', async () => {
    const script = join(scratch, 'typed.ts');
    await writeFile(script, 'const x: number = 5;\nconsole.log(x);\n');
    const ran = await launch([], { script, workers: 1 }).catch((error: unknown) => error);
    if (ran instanceof Error)
      expect(ran).toMatchObject({ code: 'SHARDFEED_UNSUPPORTED', message: expect.stringContaining('tsx') });
    else expect(ran).toMatchObject({ exitCode: 0, lines: ['0 stdout 5'] });
  });

  test('with a syntax error fail once, with the place', async () => {
    const script = join(scratch, 'wrong.mjs');
    await writeFile(script, 'const = 5;\n');
    const launched = await launch([], { script, maxRestarts: 3 });
    expect(launched).toMatchObject({ exitCode: 1, attempts: 1 });
    expect(`${launched.culprit?.message}${launched.culprit?.stack}`).toContain('SyntaxError');
  });
});

test('what a worker has started ends with it', async () => {
  const path = join(scratch, 'child');
  await launch([`0:child=${path}`, '0:sleep=100']);
  expect(existsSync(path)).toBe(true);
  const pid = Number(await readFile(path, 'utf8'));
  await until(() => !isAlive(pid));
});

test('a launcher that ends by process.exit leaves no secret behind', async () => {
  const code = `
    import { launchLocal } from ${JSON.stringify(new URL('../../dist/launch/index.js', import.meta.url).href)};
    await launchLocal({ script: ${JSON.stringify(RANK)}, args: ['join', 'wait'], workers: 2, maxRestarts: 0,
      onEvent: ({ type }) => type === 'start' && process.exit(0) });`;
  const folder = join(scratch, 'secrets');
  await mkdir(folder);
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, TMPDIR: folder },
    stdio: 'ignore',
  });
  await once(child, 'exit');
  expect(await readdir(folder)).toEqual([]);
});

test('a launcher that is killed before its ranks have come together leaves no secret behind', async () => {
  const folder = join(scratch, 'orphaned');
  await mkdir(folder);
  const pid = join(folder, 'pid');
  const child = start(['train', RANK, '--workers', '2', '--', '0:join', `1:pid=${pid}`, 'wait'], {
    env: { TMPDIR: folder },
  });
  await until(() => existsSync(pid));
  expect(await readdir(folder)).toHaveLength(2);
  child.kill('SIGKILL');
  await until(async () => (await readdir(folder)).join() === 'pid');
});

test.each([1, 2])('a worker of %i that joins the others once more is told to keep its group', async (workers) => {
  const script = fileURLToPath(new URL('scripts/join-twice.mjs', import.meta.url));
  const { exitCode, culprit, events } = await launch([], { script, workers });
  expect({ exitCode, code: culprit?.code }).toEqual({ exitCode: 1, code: 'SHARDFEED_USAGE' });
  expect(culprit?.message).toContain('fit({ group })');
  expect(events.filter(({ type }) => type === 'done')).toHaveLength(workers);
});

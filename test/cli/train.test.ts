import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchFolder } from '../files/scratch.js';
import { isAlive, until } from '../launch/processes.js';
import { finish, run, start } from './run.js';

const RANK = fileURLToPath(new URL('../launch/scripts/rank.mjs', import.meta.url));
const scratch = await scratchFolder();
let files = 0;

const train = (args: readonly string[], ...actions: readonly string[]): string[] => [
  'train',
  RANK,
  ...args,
  '--',
  ...actions,
];

/** Starts a job whose ranks write their ids into files; resolves when all are there. */
async function startJob(
  workers: number,
  ...actions: readonly string[]
): Promise<{ child: ChildProcess; pids: number[] }> {
  const base = join(scratch, `pid-${files++}-`);
  const ranks = Array.from({ length: workers }, (_, rank) => rank);
  const child = start(
    train(
      ['--workers', String(workers), '--max-restarts', '0'],
      ...ranks.map((rank) => `${rank}:pid=${base}${rank}`),
      ...actions,
    ),
  );
  const has = (rank: number): Promise<boolean> =>
    stat(`${base}${rank}`).then(
      ({ size }) => size > 0,
      () => false,
    );
  await until(async () => (await Promise.all(ranks.map(has))).every((there) => there));
  const pids = await Promise.all(ranks.map(async (rank) => Number(await readFile(`${base}${rank}`, 'utf8'))));
  return { child, pids };
}

/** Resolves when a text has come on a stream of a process. */
async function told(child: ChildProcess, text: string): Promise<void> {
  let all = '';
  for await (const [part] of on(child)) {
    all += part;
    if (all.includes(text)) return;
  }
}
async function* on(child: ChildProcess): AsyncGenerator<[string]> {
  for (;;) yield [String((await once(child.stdout!, 'data'))[0])];
}

test('passes output on with the rank in front, and says what failed', async () => {
  const { code, stdout, stderr } = await run(train(['--workers', '2'], 'say=hello', 'join', '0:complain=hm'));
  expect({ code, lines: stdout.split('\n').sort() }).toEqual({ code: 0, lines: ['', '[0] hello', '[1] hello'] });
  expect(stderr).toContain('[0] hm\n');
  const failed = await run(
    train(['--workers', '2', '--max-restarts', '1'], 'join', 'step=3', '1:throw', '0:sleep=200', '0:echo'),
  );
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/rank 1 failed first: boom\n {4}Error: boom\n {8}at .*rank\.mjs/);
  expect(failed.stderr).toContain('starts again with 2 workers');
  expect(failed.stderr).toContain('exit code 1 after 2 attempts');
  expect(failed.stderr).toContain('step 3, loss 0.5');
});

test('says why it does not start again', async () => {
  const { code, stderr } = await run(train([], 'join', 'refuse=SHARDFEED_UNSUPPORTED'));
  expect(code).toBe(1);
  expect(stderr).toContain('shardfeed: not started again: SHARDFEED_UNSUPPORTED would come again\n');
});

test.each(['train-birdstrikes', 'titanic'])('examples/%s.mjs without arguments says how it is called', async (name) => {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url))]);
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^usage: node examples\/.*\n$/) });
});

test('--json gives events, a line each', async () => {
  const { code, stdout } = await run(train(['--json', '--max-restarts', '0'], 'join', 'say=hello', 'step=4', 'exit=9'));
  expect(code).toBe(9);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const pid = expect.any(Number);
  expect(events.sort((a, b) => (a.type < b.type ? -1 : 1))).toMatchObject([
    { type: 'end', exitCode: 9, attempts: 1, culprit: { rank: 0 } },
    { type: 'exit', rank: 0, code: 9 },
    { type: 'failed', attempt: 0, culprit: { rank: 0, message: 'ended with exit code 9' } },
    { type: 'joined', rank: 0, pid },
    { type: 'output', rank: 0, stream: 'stdout', line: 'hello' },
    { type: 'report', rank: 0, step: 4, loss: 0.5 },
    { type: 'start', attempt: 0, workers: 1, pids: [pid] },
  ]);
});

test.each([
  ['SIGTERM', 'save', 75],
  ['SIGINT', 'save', 75],
  ['SIGTERM', 'wait', 143],
  ['SIGINT', 'wait', 130],
] as const)('%s lets workers that %s end: %i', async (signal, action, code) => {
  const { child, pids } = await startJob(2, 'join', action === 'save' ? 'say=now' : 'ready', 'say=go', action);
  const ended = finish(child);
  child.kill(signal);
  expect((await ended).code).toBe(code);
  for (const pid of pids) expect(isAlive(pid)).toBe(false);
});

test('a second signal ends at once what does not want to end', async () => {
  const { child, pids } = await startJob(2, 'ignore');
  const ended = finish(child);
  await until(() => !child.kill('SIGINT') || child.exitCode !== null);
  expect((await ended).code).toBe(130);
  await until(() => !pids.some(isAlive));
});

test.each(['spin', 'wait', 'ignore'])('workers that %s are gone soon after the launcher was killed', async (action) => {
  const { child, pids } = await startJob(2, action);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => !pids.some(isAlive), 5_000);
});

test('a reader that goes away ends the job quietly', async () => {
  const { child, pids } = await startJob(2, 'say=a', 'sleep=200', 'say=b', 'sleep=200', 'say=c', 'wait');
  child.stdout!.destroy();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  for (const pid of pids) expect(isAlive(pid)).toBe(false);
});

test('what is wrong before anything runs is one line', async () => {
  const missing = await run(['train', join(scratch, 'none.js')]);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^shardfeed: SHARDFEED_NOT_FOUND: .*\n$/) });
  for (const command of ['train', 'worker']) {
    expect(await run([command, RANK, '--epochs', '3'])).toMatchObject({
      code: 2,
      stderr:
        "shardfeed: SHARDFEED_USAGE: unknown option '--epochs'; options of the script's own go behind --; see --help\n",
    });
  }
  expect(await run(train(['--workers', '0']))).toMatchObject({ code: 2 });
  expect(await run(train(['--workers', '2', '--min-workers', '3']))).toMatchObject({ code: 2 });
});

test('worker: options become the environment, exit codes and signals are passed on', async () => {
  const script = fileURLToPath(new URL('../launch/scripts/lone-rank.mjs', import.meta.url));
  const options = [
    '--rank',
    '1',
    '--world-size',
    '2',
    '--master',
    '[::1]:29500',
    '--secret-file',
    's',
    '--job-id',
    'j',
  ];
  const { code, stdout } = await run(['worker', script, ...options, '--', 'exit', 'x y']);
  expect({ code, found: JSON.parse(stdout) }).toEqual({
    code: 7,
    found: {
      ...{ RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: '::1', MASTER_PORT: '29500' },
      ...{ SHARDFEED_SECRET_FILE: 's', SHARDFEED_JOB_ID: 'j', args: ['exit', 'x y'] },
    },
  });
  const saving = start(['worker', script, '--', 'save']);
  await told(saving, 'RANK');
  const ended = finish(saving);
  saving.kill('SIGTERM');
  expect((await ended).code).toBe(75);
});

test.each([
  ['no secret', []],
  ["the user's secret", ['--secret-file', 'secret']],
])('worker: ends with what has started it; %s, which stays', async (_, secret) => {
  const cwd = await mkdtemp(join(scratch, 'lone-'));
  await writeFile(join(cwd, 'secret'), 'between us');
  const base = join(cwd, 'pid');
  const child = start(['worker', RANK, ...secret, '--', `pid=${base}`, 'spin'], { cwd });
  await until(() =>
    stat(base).then(
      ({ size }) => size > 0,
      () => false,
    ),
  );
  const pid = Number(await readFile(base, 'utf8'));
  expect(isAlive(pid)).toBe(true);
  child.kill('SIGKILL');
  await until(() => !isAlive(pid), 5_000);
  expect((await readdir(cwd)).sort()).toEqual(['pid', 'secret']);
});

// npm run campaign:kill -- [--count 50] [--seed N] [--rows 200000]
// Kills conversions with SIGKILL at random moments, with and without --overwrite, and looks at what is left: the old
// dataset or the new one, whole; nothing else where there was nothing. The run after that succeeds and cleans up.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const PARTS = 4;

/** A small generator of numbers in [0, 1): mulberry32. */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function writeCsv(path, rows, random) {
  const file = createWriteStream(path);
  file.write('id,x,name\n');
  for (let i = 0; i < rows; ) {
    let text = '';
    for (const end = Math.min(rows, i + 10_000); i < end; i++) text += `${i},${random()},"name, ${random() * 1e6}"\n`;
    if (!file.write(text)) await new Promise((resolve) => file.once('drain', resolve));
  }
  await new Promise((resolve) => file.end(resolve));
}

const convertArgs = (csv, target, overwrite) => [
  ...[CLI, 'convert', csv, '--to', target, '--partitions', String(PARTS)],
  ...(overwrite ? ['--overwrite'] : []),
];

function convert(csv, target, overwrite) {
  return spawnSync(process.execPath, convertArgs(csv, target, overwrite), { encoding: 'utf8' });
}

/**
 * What a reader finds at the target: the fingerprint of a whole dataset, or undefined where there is none.
 * @throws where something is there that is not whole
 */
function look(target) {
  const { status, stderr } = spawnSync(process.execPath, [CLI, 'verify', target], { encoding: 'utf8' });
  if (!existsSync(target)) {
    if (status === 0) throw new Error(`verify is content with ${target}, which does not exist`);
    return undefined;
  }
  if (status !== 0) throw new Error(`the dataset is there and not whole: ${stderr}`);
  const names = readdirSync(target).filter((name) => name.startsWith('part'));
  if (names.length !== PARTS || !existsSync(join(target, '_SUCCESS'))) throw new Error(`parts are missing: ${names}`);
  return JSON.parse(readFileSync(join(target, '_manifest.json'), 'utf8')).fingerprint;
}

/** Waits until `there` finds what it looks for, or the run has ended, and then up to `ms` more, without sleeping. */
async function spinUntil(there, isRunning, ms) {
  while (isRunning() && !there()) await setImmediate();
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** When a run is killed: at a random time; right after its data are ready and the renames begin; or amid the renames. */
const MOMENTS = {
  time: (random, seconds) => {
    const ms = random() * 1050 * seconds;
    return () => sleep(ms);
  },
  ready: (random) => {
    const ms = random() * 4;
    const isReady = (folder) => (name) => name.startsWith('_tmp-') && existsSync(join(folder, name, 'ready'));
    return (folder, isRunning) => spinUntil(() => readdirSync(folder).some(isReady(folder)), isRunning, ms);
  },
  moved: (random) => {
    const ms = random();
    const isOld = (name) => name.startsWith('_old-');
    return (folder, isRunning) => spinUntil(() => readdirSync(folder).some(isOld), isRunning, ms);
  },
};

/** Starts a conversion and kills it. Returns whether it was killed before it ended. */
async function killedRun(csv, folder, target, overwrite, moment) {
  const child = spawn(process.execPath, convertArgs(csv, target, overwrite), { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  await Promise.race([moment(folder, isRunning), ended]);
  child.kill('SIGKILL');
  const { code, signal } = await ended;
  if (signal === null && code !== 0) throw new Error(`the run failed by itself with ${code}`);
  return signal === 'SIGKILL';
}

/** Makes the leftovers of a job that was killed before it could say who it is look as old as clean-up wants them. */
function age(folder) {
  for (const name of readdirSync(folder).filter((n) => n.startsWith('_tmp-'))) {
    const path = join(folder, name);
    if (existsSync(join(path, 'job.json'))) throw new Error(`${name} has a dead owner and was not cleaned up`);
    const old = new Date(Date.now() - 11 * 60_000);
    for (const inner of readdirSync(path)) utimesSync(join(path, inner), old, old);
    utimesSync(path, old, old);
  }
}

/** The run after a killed one: it succeeds, and nothing but the dataset is left beside it. */
function nextRun(csv, folder, target, overwrite, print) {
  for (const last of [false, true]) {
    const { status, stderr } = convert(csv, target, overwrite || last);
    if (status !== 0) throw new Error(`the next run fails: ${stderr}`);
    if (look(target) !== print) throw new Error('the next run made another dataset');
    if (readdirSync(folder).length === 1) return;
    if (last) throw new Error(`the next run left ${readdirSync(folder)}`);
    age(folder);
  }
}

/** Kills one run and checks the promise. Returns what was found: none, old or new, and whether the kill came in time. */
async function killOnce({ oldCsv, newCsv, oldPrint, newPrint, folder, overwrite, moment }) {
  rmSync(folder, { recursive: true, force: true });
  const target = join(folder, 'dataset');
  if (convert(oldCsv, target, false).status !== 0) throw new Error('the first conversion fails');
  if (!overwrite) rmSync(target, { recursive: true });
  const killed = await killedRun(newCsv, folder, target, overwrite, moment);
  const print = look(target);
  if (print === undefined && overwrite) throw new Error('the old dataset is gone, and the new one is not there');
  if (print !== undefined && print !== newPrint && !(overwrite && print === oldPrint)) {
    throw new Error(`the dataset is neither the old one nor the new one: ${print}`);
  }
  if (!killed && print !== newPrint) throw new Error('the run ended well, but its dataset is not there');
  nextRun(newCsv, folder, target, print !== undefined, newPrint);
  return { killed, what: print === undefined ? 'none' : print === newPrint ? 'new' : 'old' };
}

/** Runs the campaign; resolves to how often each thing was found, rejects at the first broken promise. */
export async function killCampaign({ count, seed, rows, log = () => {} }) {
  const random = randomOf(seed);
  const root = mkdtempSync(join(tmpdir(), 'shardfeed-kill-'));
  const found = { killed: 0, ended: 0, none: 0, old: 0, new: 0 };
  try {
    const datasets = [];
    let seconds = 0;
    for (const name of ['a', 'b']) {
      const csv = join(root, `${name}.csv`);
      await writeCsv(csv, rows, random);
      const start = performance.now();
      const { status, stderr } = convert(csv, join(root, name), false);
      if (status !== 0) throw new Error(`the conversion itself fails: ${stderr}`);
      seconds = (performance.now() - start) / 1000;
      datasets.push({ csv, print: look(join(root, name)) });
    }
    for (let i = 0; i < count; i++) {
      const overwrite = i % 2 === 1;
      const [old, next] = i % 4 < 2 ? datasets : [datasets[1], datasets[0]];
      const names = Object.keys(MOMENTS).filter((name) => overwrite || name !== 'moved');
      const name = names[Math.floor(random() * names.length)];
      const { killed, what } = await killOnce({
        ...{ oldCsv: old.csv, oldPrint: old.print, newCsv: next.csv, newPrint: next.print },
        ...{ folder: join(root, 'work'), overwrite, moment: MOMENTS[name](random, seconds) },
      });
      found[what]++;
      found[killed ? 'killed' : 'ended']++;
      log(`${i + 1}/${count} ${overwrite ? 'overwrite' : 'fresh'}, ${killed ? 'killed' : 'ended'} (${name}): ${what}`);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      rows: { type: 'string', default: '200000' },
    },
  });
  const options = { count: Number(values.count), seed: Number(values.seed), rows: Number(values.rows) };
  console.log(`seed ${options.seed}, ${options.rows} rows`);
  console.log(JSON.stringify(await killCampaign({ ...options, log: console.log })));
}

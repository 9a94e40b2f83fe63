// Kills processes that commit datasets at random moments (SIGKILL), and checks that the old or the new dataset is whole and
// that the next run cleans up: node test/campaigns/kill-commit.mjs --count 50 --seed 1
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DatasetCommit, localFileSystem, recover } from '../../dist/files/index.js';
import { randomOf } from '../random.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});
const fs = localFileSystem();
const worker = new URL('commit-worker.mjs', import.meta.url).pathname;
const random = randomOf(Number(values.seed));
const states = {};

const root = await mkdtemp(join(tmpdir(), 'shardfeed-kill-'));
try {
  for (let i = 0; i < Number(values.count); i++) {
    const folder = join(root, String(i));
    await (random() < 0.3 ? killFirst(folder) : killOverwrite(folder));
  }
} finally {
  await rm(root, { recursive: true, force: true });
}
console.log(`${values.count} kills, seed ${values.seed}: ${JSON.stringify(states)}`);

/** A process that replaces one dataset over and over. */
async function killOverwrite(folder) {
  const path = join(folder, 'data');
  await commit(path);
  await kill(path, 'overwrite');
  const state = await recover({ fs, path });
  states[state] = (states[state] ?? 0) + 1;
  await checkWhole(path);
  await commit(path);
  await checkAlone(folder, ['data']);
}

/** A process that makes one dataset after the other. */
async function killFirst(folder) {
  await kill(join(folder, 'data'), 'first');
  const names = await readdir(folder).catch(() => []);
  const made = names.filter((name) => name.startsWith('data-'));
  for (const name of made) await checkWhole(join(folder, name));
  const next = `data-${made.length}`;
  const state = await recover({ fs, path: join(folder, next) });
  if (state !== 'absent') throw new Error(`${next} is ${state}`);
  states[state] = (states[state] ?? 0) + 1;
  for (const name of made) {
    // Refused, as it is there; but what a death behind the last rename left is cleaned up.
    const error = await DatasetCommit.begin({ fs, path: join(folder, name) }).catch((error) => error);
    if (error.code !== 'SHARDFEED_EXISTS') throw error;
  }
  await commit(join(folder, next));
  await checkAlone(folder, [...made, next]);
}

async function kill(path, mode) {
  const child = spawn(process.execPath, [worker, path, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await sleep(random() * 60);
  if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}`);
  child.kill('SIGKILL');
  await new Promise((resolve) => (child.signalCode === null ? child.once('exit', resolve) : resolve()));
}

async function commit(path) {
  const job = await DatasetCommit.begin({ fs, path }, { overwrite: true });
  for (const part of ['part-r-00000', 'part-r-00001']) {
    const writer = await job.create(part);
    await writer.write(Buffer.from('by the next run'));
    await writer.close();
  }
  await job.commit({ manifest: 'by the next run' });
}

async function checkWhole(path) {
  const names = (await readdir(path)).sort();
  if (names.join() !== '_SUCCESS,_manifest.json,part-r-00000,part-r-00001') throw new Error(`${path} holds ${names}`);
  const contents = await Promise.all(names.slice(1).map((name) => readFile(join(path, name), 'utf8')));
  if (new Set(contents).size !== 1) throw new Error(`${path} is of several versions`);
}

async function checkAlone(folder, expected) {
  const names = (await readdir(folder)).sort();
  if (names.join() !== [...expected].sort().join()) throw new Error(`${folder} holds ${names}, expected ${expected}`);
}

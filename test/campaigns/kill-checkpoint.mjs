// node test/campaigns/kill-checkpoint.mjs [--count 50] [--seed N]
// Kills processes that save checkpoints over and over at random moments (SIGKILL): each time the newest checkpoint is whole and
// the one that was saved last or the one after it, and the next save leaves nothing but checkpoints in the folder.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadCheckpoint, saveCheckpoint, verifyCheckpoints } from '../../dist/train/checkpoint/index.js';
import { randomOf } from '../random.mjs';

const KEEP = 2;
const VALUES = 200_000;

const stateOf = (step) => ({
  info: { step, epoch: 0, seed: 1, worldSize: 1 },
  tensors: { w: { shape: [VALUES], values: new Float32Array(VALUES).fill(step) } },
});

if (process.argv[2] === 'save') {
  const [, , , folder, from] = process.argv;
  for (let step = Number(from); ; step++) {
    await saveCheckpoint(folder, stateOf(step), { keep: KEEP });
    process.stdout.write(`${step}\n`);
  }
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
  },
});
const random = randomOf(Number(values.seed));
const folder = mkdtempSync(join(tmpdir(), 'shardfeed-kill-'));
const found = { kept: 0, next: 0 };
try {
  let step = 1;
  for (let i = 0; i < Number(values.count); i++) {
    const last = await killSaver(step);
    const { info, tensors } = (await loadCheckpoint(folder)) ?? { info: { step: step - 1 } };
    if (info.step !== last && info.step !== last + 1) throw new Error(`${last} was saved, ${info.step} is there`);
    if (tensors?.w.values.some((value) => value !== info.step)) throw new Error(`step ${info.step} has other values`);
    const damaged = (await verifyCheckpoints(folder)).filter(({ problem }) => problem !== undefined);
    if (damaged.length > 0) throw new Error(damaged[0].problem);
    found[info.step === last ? 'kept' : 'next']++;
    step = info.step + 1;
    await saveCheckpoint(folder, stateOf(step), { keep: KEEP });
    const names = readdirSync(folder);
    if (names.length > KEEP || !names.every((name) => name.startsWith('step-'))) throw new Error(`left: ${names}`);
    step++;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${values.count} kills, seed ${values.seed}: ${JSON.stringify(found)}`);

/** Lets a process save from `step` on until it is killed; the last step of which it said that it is saved. */
async function killSaver(step) {
  const child = spawn(process.execPath, [import.meta.filename, 'save', folder, String(step)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const ended = new Promise((resolve) => child.on('close', resolve));
  await new Promise((resolve) =>
    child.stdout.on('data', (part) => {
      text += part;
      resolve();
    }),
  );
  await sleep(random() * 80);
  if (child.exitCode !== null) throw new Error(`the saver ended with ${child.exitCode}`);
  child.kill('SIGKILL');
  await ended;
  return Number(text.trim().split('\n').at(-1));
}

// Runs one program several times and keeps the best run.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleTree } from './process-tree.mjs';

/** Seconds of CPU that the whole machine has used since it started. */
function machineCpuSeconds() {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/);
  return [user, nice, system, irq, softirq, steal].reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** Waits until others use less than a quarter of a core, at most `seconds`. */
async function quiet(seconds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const before = machineCpuSeconds();
    await sleep(400);
    if ((machineCpuSeconds() - before) / 0.4 < 0.25) return;
  }
}

/** Runs a command to its end: the JSON of its last output line, with `peakBytes`, `treeCpuSeconds` and `wallSeconds` added. */
export async function runOnce(command, { cores, env = {} } = {}) {
  const pinned = cores === undefined ? command : ['taskset', '-c', cores, ...command];
  const start = performance.now();
  const child = spawn(pinned[0], pinned.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const sampler = sampleTree(child.pid);
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-4000);
  });
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  const used = sampler.stop();
  const line = out.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || !line.startsWith('{')) throw new Error(`${command.join(' ')} ended with ${code}\n${errors}`);
  return { ...JSON.parse(line), ...used, wallSeconds: (performance.now() - start) / 1000 };
}

/**
 * The best of `repeats` runs, with all times. `rows` is what every run must have handled: a run that drops rows is an
 * error, not a fast run. `others` tells how many cores other processes used meanwhile.
 */
export async function measure(command, { cores, repeats, rows, env, quietSeconds = 3 }) {
  const runs = [];
  for (let i = 0; i < repeats; i++) {
    await quiet(quietSeconds);
    const before = machineCpuSeconds();
    const run = await runOnce(command, { cores, env });
    if (rows !== undefined && run.rows !== rows) throw new Error(`${command.join(' ')}: ${run.rows} rows of ${rows}`);
    const others = Math.max(0, (machineCpuSeconds() - before - run.treeCpuSeconds) / run.wallSeconds);
    runs.push({ ...run, others: Math.round(others * 100) / 100 });
  }
  const best = runs.reduce((a, b) => (a.seconds <= b.seconds ? a : b));
  return {
    ...best,
    allSeconds: runs.map((run) => run.seconds),
    othersCores: runs.map((run) => run.others),
    peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
    rowsPerSecond: best.rows / best.seconds,
  };
}

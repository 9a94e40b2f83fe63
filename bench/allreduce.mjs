// Allreduce between processes of this host: each of our transports beside torch's gloo, in turn, so that all meet the same machine.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BARS } from './bars.mjs';
import { runOnce } from './lib/measure.mjs';
import { markdownTable } from './lib/table.mjs';

const SIZES = { '1 KB': 1 << 10, '64 KB': 1 << 16, '1 MB': 1 << 20, '25 MB': 25 << 20, '100 MB': 100 << 20 };
const RANKS = [2, 4];
/** Up to this many bytes all ranks exchange all; more goes round a ring. */
const DIRECT_BYTES = 1 << 16;
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** @param python an interpreter that has torch. @returns rows, and the ratios with their bars */
export async function measureAllReduce({ quick, repeats, only, python = path('../.venv-torch/bin/python') }) {
  const sizes = Object.entries(SIZES).filter(([, bytes]) => !quick || bytes <= 1 << 20);
  const list = sizes.map(([, bytes]) => bytes).join(',');
  const ours = (ranks, name) => [process.execPath, path('ours/allreduce.mjs'), String(ranks), name, list];
  const variants = [
    { name: 'shardfeed shm', command: (ranks) => ours(ranks, 'shm') },
    { name: 'shardfeed tcp', command: (ranks) => ours(ranks, 'tcp') },
  ];
  if (existsSync(python)) {
    variants.push({
      name: 'torch gloo',
      command: (ranks) => [python, path('peers/allreduce.py'), String(ranks), list],
    });
  } else {
    console.error(
      `torch gloo is left out, as there is no ${python}: python3 -m venv .venv-torch && .venv-torch/bin/pip install torch numpy, or --python PATH`,
    );
  }
  const results = [];
  for (const ranks of RANKS) {
    const runs = variants.filter(({ name }) => name.includes(only)).map((variant) => ({ ...variant, times: [] }));
    for (let i = 0; i < repeats; i++) {
      for (const run of runs) {
        const { times, torch } = await runOnce(run.command(ranks));
        run.times.push(times);
        run.torch = torch;
        process.stderr.write(`${run.name}, ${ranks} processes: run ${i + 1}\n`);
      }
    }
    for (const [size, bytes] of sizes) {
      for (const { name, times, torch } of runs) {
        const way = name.endsWith('tcp') ? (bytes <= DIRECT_BYTES ? ' direct' : ' ring') : '';
        results.push({
          size,
          bytes,
          ranks,
          name: name + way,
          torch,
          ...summary(
            times.map((all) => all[bytes]),
            bytes,
            ranks,
          ),
        });
      }
    }
  }
  print(results);
  return { results, ratios: ratiosOf(results) };
}

/** The best repetition and the best run's median; bandwidth as NCCL's tests define busbw: what each link must carry, 2 (M - 1) / M of the array. */
function summary(runs, bytes, ranks) {
  const sorted = runs.map((times) => times.toSorted((a, b) => a - b));
  const milliseconds = Math.min(...sorted.map((times) => times[0]));
  const medianMs = Math.min(...sorted.map((times) => times[times.length >> 1]));
  const busGBps = (bytes * 2 * (ranks - 1)) / ranks / milliseconds / 1e6;
  const round = (value) => Number(value.toPrecision(4));
  return { milliseconds: round(milliseconds), medianMs: round(medianMs), busGBps: round(busGBps) };
}

function ratiosOf(results) {
  return BARS.allreduce.flatMap((bar) => {
    const find = (name) => results.find((r) => r.size === bar.size && r.ranks === bar.ranks && r.name.startsWith(name));
    const [ours, peer] = [find(bar.ours), find(bar.peer)];
    if (ours === undefined || peer === undefined) return [];
    const ratio = ours.milliseconds / peer.milliseconds;
    const medianRatio = ours.medianMs / peer.medianMs;
    return [{ ...bar, ours: ours.name, ratio, medianRatio, reached: ratio <= bar.bar }];
  });
}

function print(results) {
  const rows = results.map((r) => [r.size, r.ranks, r.name, r.milliseconds, r.medianMs, r.busGBps]);
  console.log(markdownTable(['float32', 'processes', 'what', 'ms, best', 'ms, median', 'busbw GB/s'], rows));
  const ratios = ratiosOf(results).map((r) => [
    r.size,
    r.ranks,
    r.ours,
    r.peer,
    r.ratio.toFixed(2),
    r.medianRatio.toFixed(2),
    r.bar,
    r.reached ? 'yes' : 'NO',
  ]);
  const header = ['float32', 'processes', 'what', 'against', 'ratio of times', 'of medians', 'bar', 'reached'];
  if (ratios.length > 0) console.log(`\n${markdownTable(header, ratios)}`);
}

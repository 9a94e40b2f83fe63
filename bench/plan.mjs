// What a plan costs, on made-up manifests: time must grow as files + workers do.
import { performance } from 'node:perf_hooks';

const SIZES = [
  [1_000, 128],
  [10_000, 1_024],
  [100_000, 10_000],
  [1_000_000, 100_000],
];
const ORDERS = {
  sequential: {},
  windows: { shuffle: true },
  'windows, lanes as workers': (workers) => ({ shuffle: true, lanes: workers }),
  file: { mode: 'file' },
};

/** Prints what each takes, best of `repeats`. */
export async function measurePlan({ quick, repeats, only }) {
  const { makePlan } = await import('../dist/dataset/plan/plan.js');
  for (const [files, workers] of quick ? SIZES.slice(0, 2) : SIZES) {
    const parts = Array.from({ length: files }, (_, i) => ({ records: 1000 + (i % 7), bytes: 240_000 }));
    const facts = { parts, fingerprint: 'a'.repeat(64), remote: true };
    for (const [name, order] of Object.entries(ORDERS).filter(([name]) => name.includes(only))) {
      const options = {
        worldSize: workers,
        globalBatchSize: 8 * workers,
        ...(typeof order === 'function' ? order(workers) : order),
      };
      let seconds = Number.POSITIVE_INFINITY;
      let plan;
      for (let i = 0; i < repeats; i++) {
        const start = performance.now();
        plan = makePlan(facts, options);
        seconds = Math.min(seconds, (performance.now() - start) / 1000);
      }
      const reads = `${plan.amplification.toFixed(2)} x the bytes`;
      console.log(`${name}, ${files} files, ${workers} workers: ${seconds.toFixed(3)} s; ${reads}`);
    }
  }
}

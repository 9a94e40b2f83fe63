// What the measured Node programs share: the clock and the last line of their output.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const seconds = () => Number(process.hrtime.bigint()) / 1e9;

/** Starts the clock; call it after the imports. `report` prints the one line that the runner reads. */
export function startClock() {
  const start = seconds();
  const cpu = process.cpuUsage();
  return {
    /** Since the start. */
    seconds: () => seconds() - start,
    report(rows, bytes, extra = {}) {
      const used = process.cpuUsage(cpu);
      const cpuSeconds = (used.user + used.system) / 1e6;
      console.log(JSON.stringify({ rows, bytes, seconds: seconds() - start, cpuSeconds, ...extra }));
    },
  };
}

/** The part files of a folder, sorted. */
export function partsOf(folder) {
  return readdirSync(folder)
    .filter((name) => name.startsWith('part'))
    .sort()
    .map((name) => join(folder, name));
}

export function sizeOf(paths) {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0);
}

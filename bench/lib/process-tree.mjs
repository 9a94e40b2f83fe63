// Memory of a process and all its descendants, from /proc (Linux).
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
const TICKS_PER_SECOND = 100;

function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return []; // the process has ended
  }
}

function residentBytes(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

/** The largest resident set that one process ever had: the kernel keeps count, so no peak is missed. */
function highWaterBytes(pid) {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Seconds of CPU that a process and its ended children have used. */
function cpuSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15);
    return ticks.reduce((sum, n) => sum + Number(n), 0) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** Every pid of the tree, the root first. */
function treeOf(pid) {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/**
 * Samples a process tree until `stop()`, which returns the peak in bytes: the largest sum of resident sets seen (pages
 * shared between processes count for each), or the kernel's own high-water mark of a single process where that is
 * larger; and the CPU time up to the last sample.
 */
export function sampleTree(pid, everyMs = 25) {
  let peakBytes = 0;
  let cpu = 0;
  const sum = (pids, of) => pids.reduce((total, p) => total + of(p), 0);
  const sample = () => {
    const pids = treeOf(pid);
    peakBytes = Math.max(peakBytes, sum(pids, residentBytes), ...pids.map(highWaterBytes));
    cpu = Math.max(cpu, sum(pids, cpuSeconds));
  };
  sample();
  const timer = setInterval(sample, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return { peakBytes, treeCpuSeconds: cpu };
    },
  };
}

import { isShardfeedError } from '../../errors.js';
import type { FileSystem } from '../file-system.js';
import type { Location } from '../files.js';
import { joinPath, normalizePath } from '../paths.js';
import { statIfThere } from '../stat-if-there.js';
import { DATA } from './names.js';
import { deleteJob, findSiblings, isExpired, type Job, type Siblings, type Timing } from './siblings.js';

/**
 * - `absent`: there is no such dataset or file.
 * - `present`: it is there.
 * - `rolled-forward`: a job had moved the old one away and was stopped before its own, whole one took the name. Now it has.
 * - `rolled-back`: the same, but the new one is gone. The old one has its name again.
 */
export type Recovery = 'absent' | 'present' | 'rolled-forward' | 'rolled-back';

/**
 * Makes a dataset or file that a stopped `--overwrite` left without its name available again. For readers that find
 * nothing at a path; safe at any time and by any number of processes, also beside the job itself.
 */
export async function recover({ fs, path }: Location): Promise<Recovery> {
  const target = normalizePath(path);
  if ((await statIfThere(fs, target)) !== undefined) return 'present';
  return roll(fs, target, await findSiblings(fs, target));
}

async function roll(fs: FileSystem, target: string, { jobs, olds }: Siblings): Promise<Recovery> {
  const stopped = new Set(olds.map(({ jobId }) => jobId));
  for (const job of jobs) {
    const complete = stopped.has(job.jobId) && job.ready && job.hasData;
    if (complete && (await tryRename(fs, joinPath(job.folder, DATA), target))) return 'rolled-forward';
  }
  // A job whose data has the name already was quicker: `tryRename` finds the name taken.
  for (const { path } of olds) if (await tryRename(fs, path, target)) return 'rolled-back';
  return (await statIfThere(fs, target)) === undefined ? 'absent' : 'present';
}

/** False where another process was quicker. */
async function tryRename(fs: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await fs.rename(from, to);
    return true;
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_EXISTS') || isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) return false;
    throw error;
  }
}

/**
 * Deletes what expired jobs left beside a target: their folders, and what they had moved away once the target is there
 * again. Spares the job that asks. `nowMs` is the file system's clock.
 */
export async function cleanUp(
  fs: FileSystem,
  target: string,
  asking: { jobId?: string; nowMs: number; timing: Timing },
): Promise<void> {
  const { jobs, olds } = await findSiblings(fs, target);
  const spared = (job: Job): boolean => job.jobId === asking.jobId || !isExpired(job, asking.nowMs, asking.timing);
  const alive = new Set(jobs.filter(spared).map(({ jobId }) => jobId));
  if (olds.length > 0 && (await recover({ fs, path: target })) !== 'absent') {
    for (const { jobId, path } of olds) if (!alive.has(jobId)) await fs.delete(path);
  }
  for (const { jobId, folder } of jobs) if (!alive.has(jobId)) await deleteJob(fs, folder);
}

import { isShardfeedError } from '../../errors.js';
import type { FileStat, FileSystem } from '../file-system.js';
import { baseName, joinPath, parentPath } from '../paths.js';
import { statIfThere } from '../stat-if-there.js';
import { DATA, HEARTBEAT_FILE, JOB_FILE, parseSibling, READY_FILE } from './names.js';
import { isGone, type Owner, ownerOf } from './owner.js';

/** When a job counts as alive, and when as dead. */
export interface Timing {
  /** How often a job shows that it lives. */
  readonly heartbeatMs: number;
  /** A heartbeat younger than this holds the target. */
  readonly busyMs: number;
  /** A heartbeat older than this leaves its files to whoever comes by. */
  readonly expiryMs: number;
  /** Whether a process certainly runs no more; its job counts as expired at once. */
  readonly isGone: (owner: Owner) => boolean;
}

export const TIMING: Timing = { heartbeatMs: 10_000, busyMs: 60_000, expiryMs: 600_000, isGone };

/** A job that writes, or wrote, a target. */
export interface Job {
  readonly jobId: string;
  readonly folder: string;
  /** Undefined for a job id that a user chose. */
  readonly owner: Owner | undefined;
  /** When it began, by the file system's clock; undefined where its job file is missing. */
  readonly beganMs: number | undefined;
  /** When it last showed that it lives, by the file system's clock. */
  readonly seenMs: number;
  /** It holds the target: its heartbeat has begun. */
  readonly established: boolean;
  readonly ready: boolean;
  readonly hasData: boolean;
}

export interface Siblings {
  readonly jobs: readonly Job[];
  /** What targets were, newest first. */
  readonly olds: readonly { readonly jobId: string; readonly path: string }[];
}

/** Everything beside a target that jobs have left there. */
export async function findSiblings(fs: FileSystem, target: string): Promise<Siblings> {
  const jobs: Job[] = [];
  const olds: { jobId: string; path: string; mtimeMs: number }[] = [];
  try {
    for await (const found of fs.list(parentPath(target))) {
      const sibling = parseSibling(baseName(found.path), target);
      if (sibling?.kind === 'old') olds.push({ jobId: sibling.jobId, path: found.path, mtimeMs: found.mtimeMs });
      else if (sibling?.kind === 'job' && found.type === 'folder') jobs.push(await lookAt(fs, sibling.jobId, found));
    }
  } catch (error) {
    // Who may not look finds nothing to mend.
    const none = isShardfeedError(error, 'SHARDFEED_NOT_FOUND') || isShardfeedError(error, 'SHARDFEED_PERMISSION');
    if (!none) throw error;
  }
  return { jobs, olds: olds.sort((a, b) => b.mtimeMs - a.mtimeMs) };
}

async function lookAt(fs: FileSystem, jobId: string, { path, mtimeMs }: FileStat): Promise<Job> {
  const at = (name: string): Promise<FileStat | undefined> => statIfThere(fs, joinPath(path, name));
  const job = await at(JOB_FILE);
  const heartbeat = await at(HEARTBEAT_FILE);
  return {
    jobId,
    folder: path,
    owner: ownerOf(jobId),
    beganMs: job?.mtimeMs,
    seenMs: heartbeat?.mtimeMs ?? job?.mtimeMs ?? mtimeMs,
    established: heartbeat !== undefined,
    ready: (await at(READY_FILE)) !== undefined,
    hasData: (await at(DATA)) !== undefined,
  };
}

export function isExpired(job: Job, nowMs: number, timing: Timing): boolean {
  if (nowMs - job.seenMs > timing.expiryMs) return true;
  return job.owner !== undefined && timing.isGone(job.owner);
}

/** Deletes a job's folder, its job file first: a folder that has the file is not being deleted. */
export async function deleteJob(fs: FileSystem, folder: string): Promise<void> {
  await fs.delete(joinPath(folder, JOB_FILE));
  await fs.delete(folder);
}

import { ShardfeedError } from '../../errors.js';
import { baseName, joinPath, parentPath } from '../paths.js';

/**
 * What stands beside a target while a job writes it. `_tmp-<name>-<job id>` is the job's folder:
 *
 *     job.json    the job's id, machine and process, for people; written first, deleted first
 *     heartbeat   written again every ten seconds; its mtime counts
 *     _SUCCESS    the file or folder that becomes the target
 *     ready       says that it is whole and durable; written before anything is renamed
 *
 * `_old-<name>-<job id>` is what the target was, from when the job moves it away until it is deleted.
 */
export const JOB_FILE = 'job.json';
export const HEARTBEAT_FILE = 'heartbeat';
/**
 * Called like what lies in every dataset: HDFS's plain rename, the only one that HttpFS has, moves a folder INTO one that has
 * the target's name, unless that holds something called like the folder.
 */
export const DATA = '_SUCCESS';
export const READY_FILE = 'ready';

const JOB_ID = /^[A-Za-z0-9]{1,64}$/;

/** @throws SHARDFEED_USAGE. Job ids hold no `-`, so the names of `a` and `a-b` cannot be taken for each other. */
export function checkJobId(jobId: string): string {
  if (JOB_ID.test(jobId)) return jobId;
  throw new ShardfeedError('SHARDFEED_USAGE', `job id ${JSON.stringify(jobId)}: 1 to 64 letters and digits are wanted`);
}

export function jobFolder(target: string, jobId: string): string {
  return joinPath(parentPath(target), `_tmp-${baseName(target)}-${jobId}`);
}

/** `round` counts how often the job had to move something away. */
export function oldPath(target: string, jobId: string, round = 0): string {
  return joinPath(parentPath(target), `_old-${baseName(target)}-${jobId}${round === 0 ? '' : `.${round}`}`);
}

export interface Sibling {
  readonly kind: 'job' | 'old';
  readonly jobId: string;
}

/** What a name beside the target means to it. */
export function parseSibling(name: string, target: string): Sibling | undefined {
  for (const [kind, prefix] of [
    ['job', '_tmp-'],
    ['old', '_old-'],
  ] as const) {
    const begin = `${prefix}${baseName(target)}-`;
    if (!name.startsWith(begin)) continue;
    const jobId = kind === 'old' ? name.slice(begin.length).replace(/\.\d+$/, '') : name.slice(begin.length);
    if (JOB_ID.test(jobId)) return { kind, jobId };
  }
  return undefined;
}

/** The target that something beside it belongs to; undefined for other names. */
export function targetOf(name: string): string | undefined {
  const [, target] = /^_(?:tmp|old)-(.+)-[A-Za-z0-9]{1,64}(?:\.\d+)?$/s.exec(name) ?? [];
  return target;
}

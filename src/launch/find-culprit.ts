import { constants } from 'node:os';
import type { Culprit } from './messages.js';
import type { Exit } from './worker-process.js';

/** How a rank ended. */
export interface WorkerEnd extends Exit {
  readonly rank: number;
  /** By the launcher. */
  readonly killed: boolean;
  /** The last lines of its stderr. */
  readonly tail: readonly string[];
}

/** An error that a worker told of: by its group, which knows of other ranks, or by the guard. */
export interface ToldError {
  readonly by: 'group' | 'guard';
  readonly culprit: Culprit;
}

/** Exit code of who left on request, with a checkpoint: EX_TEMPFAIL of sysexits.h. */
export const STOPPED = 75;
/** The same without one, as shells have it for SIGTERM. */
export const UNSAVED = 128 + constants.signals.SIGTERM;
const WELL: readonly (number | null)[] = [0, STOPPED, UNSAVED];

/** What ranks throw because another one has failed. */
const ECHOES: readonly unknown[] = ['SHARDFEED_RANK_FAILED', 'SHARDFEED_RANK_TIMEOUT'];

/**
 * The rank that failed first: the one that the groups name; else the first to end by itself, but for those that fell over another
 * one. Undefined where none failed. All in the order of time.
 */
export function findCulprit(ends: readonly WorkerEnd[], errors: readonly ToldError[]): Culprit | undefined {
  const failed = ends.filter(({ code, killed }) => killed || !WELL.includes(code));
  const echoes = errors.filter(({ by, culprit }) => by === 'guard' && ECHOES.includes(culprit.code));
  const named = errors.find(({ by, culprit }) => by === 'group' && failed.some(({ rank }) => rank === culprit.rank));
  const isEchoer = ({ rank }: WorkerEnd): boolean => echoes.some(({ culprit }) => culprit.rank === rank);
  const end =
    failed.find(({ rank }) => rank === named?.culprit.rank) ??
    failed.find((one) => !one.killed && !isEchoer(one)) ??
    failed.find(({ killed }) => killed) ??
    failed[0];
  if (end === undefined) return undefined;
  const told = errors.filter((error) => error.culprit.rank === end.rank && !echoes.includes(error));
  const byGuard = told.find(({ by }) => by === 'guard');
  return { ...describeEnd(end), ...told.find(({ by }) => by === 'group')?.culprit, ...byGuard?.culprit };
}

function describeEnd(end: WorkerEnd): Culprit {
  const { rank, code, signal, killed, tail } = end;
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  return {
    rank,
    message: killed ? 'did not end and was killed' : how,
    ...(tail.length > 0 && { stack: tail.join('\n') }),
  };
}

/** The exit code of a job by the process at fault, as shells have it; 1 where the launcher had to kill it, or it had nothing to complain of. */
export function exitCodeOfEnd({ code, signal, killed }: WorkerEnd): number {
  if (killed) return 1;
  return signal === null ? code || 1 : 128 + constants.signals[signal];
}

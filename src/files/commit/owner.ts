import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The process behind a job, as others can recognise it. */
export interface Owner {
  /** Hash of what process ids count in: this run of this machine, and its namespace (containers have their own). */
  readonly space: string;
  readonly pid: number;
  /** When the process began, in ticks since the boot, as process ids are used again; 0 where that cannot be known. */
  readonly started: number;
}

const JOB_ID = /^p([0-9a-f]{8})x([0-9a-f]+)x([0-9a-f]+)x[0-9a-f]{8}$/;

/**
 * A new job id that tells its owner, so that a job's folder alone does: a process may die before it has written
 * anything into it.
 */
export function newJobId(): string {
  const { space, pid, started } = thisProcess();
  return `p${space}x${pid.toString(16)}x${started.toString(16)}x${randomBytes(4).toString('hex')}`;
}

/** The process that made a job id; undefined for an id that a user chose. */
export function ownerOf(jobId: string): Owner | undefined {
  const [, space, pid, started] = JOB_ID.exec(jobId) ?? [];
  if (space === undefined) return undefined;
  return { space, pid: Number.parseInt(pid!, 16), started: Number.parseInt(started!, 16) };
}

export function thisProcess(): Owner {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')) ?? hostname();
  const namespace = attempt(() => readlinkSync('/proc/self/ns/pid')) ?? '';
  const space = createHash('sha256').update(`${boot}\n${namespace}`).digest('hex').slice(0, 8);
  return { space, pid: process.pid, started: attempt(() => processState(process.pid).started) ?? 0 };
}

/** Whether the process certainly runs no more. False where it cannot be known, such as on another machine. */
export function isGone({ space, pid, started }: Owner): boolean {
  const here = thisProcess();
  if (here.space !== space) return false;
  if (here.started === 0) return !isRunning(pid);
  const found = attempt(() => processState(pid));
  return found === undefined || found.started !== started || found.dead;
}

/** Reads /proc/PID/stat, proc(5). The name in parentheses may hold anything. */
function processState(pid: number): { started: number; dead: boolean } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { started: Number(fields[19]), dead: fields[0] === 'Z' || fields[0] === 'X' };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

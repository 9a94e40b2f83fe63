// Daemons as processes: one pid file each, and never a signal to a process that is not ours.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pidFile = (dir, id) => join(dir, 'run', `${id}.pid`);

/** A system property that every daemon carries, so that its command line tells whose it is. */
export const ownerFlag = (dir, id) => `-Dshardfeed.daemon=${dir}/${id}`;

export const logFile = (dir, id) => join(dir, 'logs', `${id}.log`);

/** Starts a daemon that outlives this process; its output goes to its log. */
export function spawnDaemon(dir, id, command, args, env) {
  for (const folder of ['run', 'logs']) mkdirSync(join(dir, folder), { recursive: true });
  const log = openSync(logFile(dir, id), 'a');
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env });
  closeSync(log);
  child.on('error', () => {}); // seen as a daemon that does not run
  child.unref();
  if (child.pid !== undefined) writeFileSync(pidFile(dir, id), String(child.pid));
}

/** The pid of a daemon of this cluster that runs, or undefined: a pid that went to another process is none of ours. */
export function pidOf(dir, id) {
  if (!existsSync(pidFile(dir, id))) return undefined;
  const pid = Number(readFileSync(pidFile(dir, id), 'utf8'));
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(ownerFlag(dir, id)) ? pid : undefined;
  } catch {
    return undefined; // no such process
  }
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** Signals daemons and waits until they are gone; after `graceMs` with SIGKILL. */
export async function endDaemons(dir, ids, { signal = 'SIGTERM', graceMs = 8000 } = {}) {
  const running = () => ids.filter((id) => pidOf(dir, id) !== undefined);
  const send = (what) => {
    for (const id of running()) {
      try {
        process.kill(pidOf(dir, id), what);
      } catch {
        // it ended by itself meanwhile
      }
    }
  };
  send(signal);
  for (const end = Date.now() + graceMs; running().length > 0; await sleep(20)) {
    if (Date.now() > end) send('SIGKILL');
  }
  for (const id of ids) rmSync(pidFile(dir, id), { force: true });
}

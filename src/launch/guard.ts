// Loaded into each worker before its script, by `node --import`. It sees to it that a worker does not outlive its launcher, whatever its
// script does, and tells the launcher of errors that end the script.
import { writeSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';
import { GUARD_FD, GUARD_SECRET } from './worker-environment.js';

const fd = Number(process.env[GUARD_FD]);
// Threads, and children of the script, are run with the same flags: the pipe is not theirs.
if (isMainThread && process.env[GUARD_FD] !== undefined) guard();

function guard(): void {
  // What SHARDFEED_SECRET_FILE names may be the user's own: only the launcher's goes with it.
  const secretFile = process.env[GUARD_SECRET];
  delete process.env[GUARD_FD];
  delete process.env[GUARD_SECRET];
  const thread = new Worker(new URL('guard-thread.js', import.meta.url), {
    workerData: { fd, secretFile },
    execArgv: [],
  });
  thread.unref();
  // Tells, and changes nothing of what happens then.
  process.on('uncaughtExceptionMonitor', (error: unknown) => tell(error));
}

function tell(error: unknown): void {
  const { message, stack, code }: { message: string; stack?: string; code?: unknown } =
    error instanceof Error ? error : { message: String(error) };
  const culprit = { rank: Number(process.env.RANK), message, stack, code: typeof code === 'string' ? code : undefined };
  try {
    writeSync(fd, `${JSON.stringify({ type: 'error', culprit })}\n`);
  } catch {
    // The launcher is gone, or does not listen.
  }
}

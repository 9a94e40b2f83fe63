import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShardfeedError } from '../errors.js';
import { type AttemptEnd, runAttempt } from './attempt.js';
import type { LaunchEvent } from './events.js';
import { exitCodeOfEnd, STOPPED, UNSAVED } from './find-culprit.js';
import { findScript } from './find-script.js';
import type { Culprit } from './messages.js';
import { RankLogs } from './rank-logs.js';
import { stopSignal } from './stop-signal.js';
import type { StreamName } from './worker-process.js';

/** Restarts for a port that somebody else took meanwhile; they do not count. */
const MOST_PORTS = 5;
const MOST_PAUSE_MS = 60_000;
/** Errors that come again however often the same script is started. */
const LASTING: readonly (string | undefined)[] = [
  'SHARDFEED_USAGE',
  'SHARDFEED_SCHEMA_INVALID',
  'SHARDFEED_SCHEMA_MISMATCH',
  'SHARDFEED_UNSUPPORTED',
  'SHARDFEED_PERMISSION',
  'SHARDFEED_CHECKPOINT',
];

export interface LaunchOptions {
  /** JavaScript, or TypeScript where Node or `tsx` can run it. */
  readonly script: string;
  /** What the script finds behind `process.argv[1]`. */
  readonly args?: readonly string[];
  /** Number of ranks. */
  readonly workers: number;
  /** How often the job is started again after a failure. Default 3. */
  readonly maxRestarts?: number;
  /** Seconds before the first restart; before each further one twice as long, at most 60. Default 1. */
  readonly pause?: number;
  /** When the job has failed twice from the same step on, one worker less goes on, down to this. Default: `workers`. */
  readonly minWorkers?: number;
  /** Seconds that others have to end by themselves once one rank has failed. Default 15: silence, and 5 more. */
  readonly linger?: number;
  /** Seconds that all have to save and leave after `stop`. Default 120. */
  readonly grace?: number;
  /** Where each rank's output goes, too: `rank-0.log`, ..., one behind the other over all attempts. */
  readonly logDir?: string;
  /** Environment of the workers. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Asks all to checkpoint and leave at the next step. Where the `cause` of its reason is the name of a signal, the exit code may tell. */
  readonly stop?: AbortSignal;
  /** Kills all. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: LaunchEvent) => void;
  /** A line that a rank wrote, without its end. Its next one waits until this resolves. Default: prefixed to the same stream here. */
  readonly onLine?: (rank: number, stream: StreamName, line: Uint8Array) => void | Promise<void>;
}

export interface Launched {
  /**
   * 0: all ranks ended well. 75: they left on request, with a checkpoint; 143: without one. Else that of the rank that failed first (128 + number for a signal,
   * 1 for one that had to be killed), or 128 + number of the signal that asked to stop.
   */
  readonly exitCode: number;
  /** How often the job was started. */
  readonly attempts: number;
  /** Of the last attempt. */
  readonly workers: number;
  /** Who failed first in the last attempt. */
  readonly culprit?: Culprit;
}

/**
 * Runs a training's ranks as processes of this machine until all have ended. When one fails the others end too, and the job is started
 * again, after a pause that doubles: its script goes on from its last checkpoint. No process outlives this one, however it ends.
 * @throws SHARDFEED_NOT_FOUND, SHARDFEED_UNSUPPORTED (see {@link findScript}), SHARDFEED_USAGE
 */
export async function launchLocal(options: LaunchOptions): Promise<Launched> {
  const { logDir, onEvent, onLine = printLine } = options;
  if (logDir === undefined) return supervise(options);
  const logs = await RankLogs.open(logDir);
  try {
    return await supervise({
      ...options,
      onEvent: (event) => {
        if (event.type === 'start') {
          const text = `--- attempt ${event.attempt}, ${new Date().toISOString()} ---`;
          for (const rank of event.pids.keys()) void logs.line(rank, Buffer.from(text));
        }
        onEvent?.(event);
      },
      onLine: async (rank, stream, line) => {
        await Promise.all([logs.line(rank, line), onLine(rank, stream, line)]);
      },
    });
  } finally {
    await logs.close();
  }
}

async function supervise(options: LaunchOptions): Promise<Launched> {
  const {
    maxRestarts = 3,
    pause = 1,
    minWorkers = options.workers,
    stop = never(),
    signal = never(),
    onEvent = () => {},
  } = options;
  checkCounts(options.workers, minWorkers, maxRestarts);
  const script = await findScript(options.script);
  const jobId = randomUUID();
  let workers = options.workers;
  let restarts = 0;
  let ports = 0;
  /** The step from which an attempt went on. */
  let furthest = -1;
  for (let attempt = 0; ; attempt++) {
    const end = await runAttempt({
      ...{ script, args: options.args ?? [], env: options.env ?? process.env, workers, attempt, jobId },
      ...{ lingerMs: 1000 * (options.linger ?? 15), graceMs: 1000 * (options.grace ?? 120), stop, kill: signal },
      onEvent,
      onLine: options.onLine ?? printLine,
    });
    const launched = { attempts: attempt + 1, workers };
    const { culprit } = end;
    if (stop.aborted || signal.aborted) return { ...launched, ...stoppedBy(stop.aborted ? stop : signal, end) };
    if (culprit === undefined) {
      const codes = end.ends.map(({ code }) => code);
      return { ...launched, exitCode: [UNSAVED, STOPPED].find((code) => codes.includes(code)) ?? 0 };
    }
    const taken = portWasTaken(end) && ports < MOST_PORTS;
    const final = taken ? undefined : whyFinal(end, culprit);
    onEvent({ type: 'failed', attempt, culprit, ...(final !== undefined && { final }) });
    const failed = { ...launched, culprit, exitCode: exitCodeOfEnd(end.ends[culprit.rank]!) };
    let pauseMs = 0;
    if (taken) ports++;
    else {
      if (restarts === maxRestarts || final !== undefined) return failed;
      if (restarts > 0 && end.firstStep <= furthest) workers = Math.max(minWorkers, workers - 1);
      furthest = Math.max(furthest, end.firstStep);
      pauseMs = Math.min(MOST_PAUSE_MS, 1000 * pause * 2 ** restarts);
      restarts++;
    }
    onEvent({ type: 'restart', attempt: attempt + 1, workers, pauseMs });
    await sleep(pauseMs, undefined, { signal: AbortSignal.any([stop, signal]) }).catch(() => undefined);
    if (stop.aborted || signal.aborted) return failed;
  }
}

/** Why what failed would fail again, if it would: also a script that ends with an error of its own before it does anything with others. */
function whyFinal({ began, ends }: AttemptEnd, { code }: Culprit): string | undefined {
  if (LASTING.includes(code)) return `${code} would come again`;
  if (began || ends.some(({ signal, killed }) => signal !== null && !killed)) return undefined;
  return 'the script fails before its ranks come together';
}

function portWasTaken({ joined, culprit }: AttemptEnd): boolean {
  return !joined && culprit !== undefined && `${culprit.code} ${culprit.message}`.includes('EADDRINUSE');
}

/** A failure while the ranks were leaving is one; those that knew nothing better than to end by SIGTERM did as they were told. */
function stoppedBy(stop: AbortSignal, { ends, culprit }: AttemptEnd): Pick<Launched, 'exitCode' | 'culprit'> {
  const codes = ends.map(({ code }) => code);
  if (codes.every((code) => code === 0)) return { exitCode: 0 };
  if (codes.every((code) => code === 0 || code === STOPPED)) return { exitCode: STOPPED };
  const end = culprit && ends[culprit.rank];
  if (end !== undefined && end.signal !== 'SIGTERM' && !end.killed) return { exitCode: exitCodeOfEnd(end), culprit };
  return { exitCode: 128 + constants.signals[stopSignal(stop)] };
}

function printLine(rank: number, stream: StreamName, line: Uint8Array): void {
  process[stream].write(Buffer.concat([Buffer.from(`[${rank}] `), line, Buffer.from('\n')]));
}

function never(): AbortSignal {
  return new AbortController().signal;
}

function checkCounts(workers: number, minWorkers: number, maxRestarts: number): void {
  const wrong = (what: string): ShardfeedError => new ShardfeedError('SHARDFEED_USAGE', what);
  if (!Number.isSafeInteger(workers) || workers < 1) throw wrong(`workers ${workers}: a whole number from 1 is wanted`);
  if (!Number.isSafeInteger(minWorkers) || minWorkers < 1 || minWorkers > workers) {
    throw wrong(`minWorkers ${minWorkers}: a whole number from 1 to workers (${workers}) is wanted`);
  }
  if (!Number.isSafeInteger(maxRestarts) || maxRestarts < 0) {
    throw wrong(`maxRestarts ${maxRestarts}: a whole number from 0 is wanted`);
  }
}

import type { LaunchEvent } from './events.js';
import { findCulprit, type ToldError, type WorkerEnd } from './find-culprit.js';
import type { Script } from './find-script.js';
import { freePort } from './master-port.js';
import type { Culprit, WorkerMessage } from './messages.js';
import { writeSecret } from './secret-file.js';
import { stopSignal } from './stop-signal.js';
import { workerEnvironment } from './worker-environment.js';
import { GUARD_PIPE_FD, LAUNCHER_FD, type StreamName, WorkerProcess } from './worker-process.js';

const ADDRESS = '127.0.0.1';
const ALONE_MS = 1_000;

export interface AttemptOptions {
  readonly script: Script;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly workers: number;
  readonly attempt: number;
  readonly jobId: string;
  /** After the first failure the ranks end by themselves within this time, or are killed. */
  readonly lingerMs: number;
  /** After the request to stop, the same. */
  readonly graceMs: number;
  /** Asks all to save and to leave. */
  readonly stop: AbortSignal;
  /** Kills all. */
  readonly kill: AbortSignal;
  onEvent(event: LaunchEvent): void;
  onLine(rank: number, stream: StreamName, line: Uint8Array): void | Promise<void>;
}

/** How an attempt ended. */
export interface AttemptEnd {
  /** By rank. */
  readonly ends: readonly WorkerEnd[];
  /** Who failed first; undefined where nobody did. */
  readonly culprit: Culprit | undefined;
  /** A rank has told of itself. */
  readonly began: boolean;
  /** All ranks came together. */
  readonly joined: boolean;
  /** The first step that the ranks were at; -1 where they came to none. */
  readonly firstStep: number;
}

/** Starts all ranks, and waits until all have ended: by themselves, or killed once one has failed or all are to stop. */
export async function runAttempt(options: AttemptOptions): Promise<AttemptEnd> {
  const { script, args, workers: worldSize, attempt, jobId, stop, kill, onEvent } = options;
  const port = await freePort(ADDRESS);
  const secret = await writeSecret();
  const joined = new Set<number>();
  const joining = new Set<number>();
  /** Ended well, and never joined. */
  const left: number[] = [];
  const workers: WorkerProcess[] = [];
  const errors: ToldError[] = [];
  const ends: WorkerEnd[] = [];
  let began = false;
  let firstStep = -1;
  let timer: NodeJS.Timeout | undefined;
  let absence: NodeJS.Timeout | undefined;
  let absent: Culprit | undefined;
  const killAll = (): void => {
    for (const worker of workers) worker.kill();
  };
  const killAfter = (ms: number): void => {
    timer ??= setTimeout(killAll, ms);
  };
  // Ranks that have not come together cannot know of each other.
  const afterFailure = (): void =>
    killAfter(joined.size === 0 ? Math.min(ALONE_MS, options.lingerMs) : options.lingerMs);
  // Others would wait for one that has left as for one that is late: for minutes.
  const awaitAbsent = (): void => {
    const waits = workers.some(({ isRunning }, at) => isRunning && joining.has(at) && !joined.has(at));
    const [rank] = left;
    if (rank === undefined || !waits) return;
    absence ??= setTimeout(() => {
      if (stop.aborted || timer !== undefined) return;
      absent = absentee(rank);
      killAll();
    }, options.lingerMs);
  };
  const stopAll = (): void => {
    for (const worker of workers) worker.stop(stopSignal(stop));
    killAfter(options.graceMs);
  };
  const hear = (rank: number, message: WorkerMessage, by: ToldError['by']): void => {
    if (message.type === 'phase' && message.phase === 'join') {
      joining.add(rank);
      awaitAbsent();
    } else began ||= by === 'group';
    if (message.type === 'joined' && joined.add(rank).size === worldSize) secret.delete();
    if (firstStep < 0) firstStep = stepOf(message) ?? -1;
    if (message.type === 'error') {
      errors.push({ by, culprit: message.culprit });
      afterFailure();
    } else onEvent({ ...message, rank });
  };
  // Even where this process is ended by `process.exit`, as a second Ctrl-C does: nothing stays behind.
  const leave = (): void => {
    killAll();
    secret.delete();
  };
  process.once('exit', leave);
  stop.addEventListener('abort', stopAll);
  kill.addEventListener('abort', killAll);
  try {
    for (let rank = 0; rank < worldSize; rank++) {
      const place = { rank, worldSize, address: ADDRESS, port, jobId, attempt, secretFile: secret.path };
      const env = { ...options.env, ...workerEnvironment(place, LAUNCHER_FD, GUARD_PIPE_FD) };
      workers.push(
        new WorkerProcess(script, args, env, {
          onLine: (stream, line) => options.onLine(rank, stream, line),
          onMessage: (message, by) => hear(rank, message, by),
        }),
      );
    }
    onEvent({ type: 'start', attempt, workers: worldSize, pids: workers.map(({ pid }) => pid), port });
    if (stop.aborted) stopAll();
    if (kill.aborted) killAll();
    await Promise.all(
      workers.map(async (worker, rank) => {
        const exit = await worker.exited;
        const killed = worker.wasKilled;
        ends.push({ rank, ...exit, killed, tail: worker.tail });
        onEvent({ type: 'exit', rank, ...exit, killed });
        if (exit.code !== 0) afterFailure();
        await worker.ended;
        // Only now all that it told has been heard.
        if (exit.code === 0 && !joined.has(rank)) left.push(rank);
        awaitAbsent();
      }),
    );
  } finally {
    clearTimeout(timer);
    clearTimeout(absence);
    killAll();
    process.off('exit', leave);
    stop.removeEventListener('abort', stopAll);
    kill.removeEventListener('abort', killAll);
    secret.delete();
  }
  const culprit = absent ?? findCulprit(ends, errors);
  return {
    ends: ends.toSorted((a, b) => a.rank - b.rank),
    culprit,
    began,
    joined: joined.size === worldSize,
    firstStep,
  };
}

function absentee(rank: number): Culprit {
  const message = 'ended without joining the others: every rank must call fit or joinGroup';
  return { rank, code: 'SHARDFEED_USAGE', message };
}

/** The step that a message says a rank is at; while it loads it is at none. */
function stepOf(message: WorkerMessage): number | undefined {
  if (message.type === 'phase') return message.phase.endsWith('step') ? message.step : undefined;
  return message.type === 'report' && typeof message.step === 'number' ? message.step : undefined;
}

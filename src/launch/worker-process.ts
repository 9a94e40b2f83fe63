import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShardfeedError } from '../errors.js';
import type { Script } from './find-script.js';
import { guardedArgv } from './guarded-argv.js';
import { LineSplitter } from './line-splitter.js';
import { parseMessage, type StopMessage, type WorkerMessage } from './messages.js';

export const LAUNCHER_FD = 3;
export const GUARD_PIPE_FD = 4;
const TAIL_LINES = 20;
/** Output of a worker that has ended is waited for so long: children of its own may hold the pipe. */
const OUTPUT_MS = 1_000;

export type StreamName = 'stdout' | 'stderr';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WorkerHooks {
  /** A line without its end; the next one waits until this resolves. */
  onLine(stream: StreamName, line: Uint8Array): void | Promise<void>;
  /** From the group's pipe, or the guard's. */
  onMessage(message: WorkerMessage, by: 'group' | 'guard'): void;
}

/** A worker's process, the leader of a process group of its own: what it starts ends with it. */
export class WorkerProcess {
  readonly pid: number | undefined;
  /** Resolves when the process has ended. @throws SHARDFEED_IO where it could not be started */
  readonly exited: Promise<Exit>;
  /** Resolves when its output was passed on, too. */
  readonly ended: Promise<void>;
  /** The last lines that it wrote to stderr. */
  readonly tail: string[] = [];
  readonly #child: ChildProcess;
  #running = true;
  #killed = false;

  constructor(script: Script, args: readonly string[], env: NodeJS.ProcessEnv, hooks: WorkerHooks) {
    this.#child = spawn(process.execPath, guardedArgv(script, args), {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid;
    this.exited = this.#exit();
    this.ended = this.#passOn(hooks);
    this.exited.catch(() => {});
    this.ended.catch(() => {});
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** Whether `kill` ended it. */
  get wasKilled(): boolean {
    return this.#killed;
  }

  /** Asks it to save what it has and to leave: by its group, where it has one, and by SIGTERM. */
  stop(reason: string): void {
    if (!this.#running) return;
    this.#pipe(LAUNCHER_FD).write(`${JSON.stringify({ type: 'stop', reason } satisfies StopMessage)}\n`);
    this.#child.kill('SIGTERM');
  }

  /** Ends it, and what it has started, at once. */
  kill(): void {
    if (!this.#running) return;
    this.#killed = true;
    this.#killGroup();
  }

  #exit(): Promise<Exit> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', (cause) => {
        this.#running = false;
        reject(new ShardfeedError('SHARDFEED_IO', `a worker cannot be started: ${cause.message}`, { cause }));
      });
      this.#child.once('exit', (code, signal) => {
        this.#running = false;
        this.#killGroup();
        resolve({ code, signal });
      });
    });
  }

  async #passOn({ onLine, onMessage }: WorkerHooks): Promise<void> {
    const child = this.#child;
    const output = Promise.all([
      eachLine(child.stdout!, (line) => onLine('stdout', line)),
      eachLine(child.stderr!, (line) => {
        this.tail.push(line.toString());
        if (this.tail.length > TAIL_LINES) this.tail.shift();
        return onLine('stderr', line);
      }),
      ...[LAUNCHER_FD, GUARD_PIPE_FD].map((fd) =>
        eachLine(this.#pipe(fd), (line) => {
          const message = parseMessage(line);
          if (message !== undefined) onMessage(message, fd === LAUNCHER_FD ? 'group' : 'guard');
        }),
      ),
    ]);
    output.catch(() => {});
    await this.exited;
    const enough = new AbortController();
    await Promise.race([output, sleep(OUTPUT_MS, undefined, { signal: enough.signal }).catch(() => undefined)]);
    enough.abort();
    for (const stream of child.stdio) stream?.destroy();
    await output.catch(() => undefined);
  }

  #pipe(fd: number): Duplex {
    return this.#child.stdio[fd] as Duplex;
  }

  /** Its children too: a group lives until the last one of it has ended. */
  #killGroup(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }
}

/** Calls for each line of a stream until it ends, breaks or is destroyed. */
async function eachLine(stream: Readable, use: (line: Buffer) => void | Promise<void>): Promise<void> {
  const splitter = new LineSplitter();
  stream.on('error', () => {});
  try {
    for await (const chunk of stream) for (const line of splitter.push(chunk as Buffer)) await use(line);
  } catch {
    // A pipe to a process that was killed.
  }
  for (const line of splitter.end()) await use(line);
}

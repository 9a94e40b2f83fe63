import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { findScript } from './find-script.js';
import { guardedArgv } from './guarded-argv.js';
import { stopSignal } from './stop-signal.js';
import { GUARD_FD } from './worker-environment.js';

const GUARD_PIPE_FD = 3;

export interface RankOptions {
  readonly script: string;
  readonly args?: readonly string[];
  /** Tells rank, world size, address and secret, as the script's group reads them. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Passes its signal on to the script, once. */
  readonly stop?: AbortSignal;
}

/**
 * Runs one rank that another system has started; it ends when this process does, however that ends. Resolves to the exit code: 128 +
 * number for a signal. @throws as `launchLocal`
 */
export async function launchRank({ script, args = [], env = process.env, stop }: RankOptions): Promise<number> {
  const argv = guardedArgv(await findScript(script), args);
  // Apart from the terminal's process group: of Ctrl-C it hears here, and once.
  const child = spawn(process.execPath, argv, {
    env: { ...env, [GUARD_FD]: String(GUARD_PIPE_FD) },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  child.stdio[GUARD_PIPE_FD]?.on('error', () => {}).on('data', () => {});
  const forward = (): void => void child.kill(stop && stopSignal(stop));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  if (stop?.aborted) forward();
  else stop?.addEventListener('abort', forward, { once: true });
  try {
    const [code, ended] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return ended === null ? (code ?? 1) : 128 + constants.signals[ended];
  } finally {
    process.off('exit', kill);
    stop?.removeEventListener('abort', forward);
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Culprit } from '../../../src/train/collective/mesh.js';
import type { MeshOptions } from '../../../src/train/collective/mesh-join.js';

const SCRIPT = fileURLToPath(new URL('mesh-rank.mjs', import.meta.url));

export interface Failed {
  readonly code: string;
  readonly message: string;
  readonly culprit: Culprit;
}

/** A rank in a process of its own, see mesh-rank.mjs. */
export interface RankProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly joined: Promise<void>;
  /** Resolves when the rank has done as many steps. */
  reached(step: number): Promise<void>;
  /** Why the rank ended; undefined where it could not say. */
  readonly failed: Promise<Failed | undefined>;
}

export function startRank(options: MeshOptions, floats: number, throwAt?: number): RankProcess {
  const child = fork(SCRIPT, [JSON.stringify({ options, floats, throwAt })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const told = <T>(pick: (message: Record<string, unknown>) => T | undefined): Promise<T | undefined> =>
    new Promise((resolve) => {
      child.on('message', (message) => {
        const picked = pick(message as Record<string, unknown>);
        if (picked !== undefined) resolve(picked);
      });
      void exited.then(() => resolve(undefined));
    });
  return {
    child,
    joined: told(({ joined }) => joined).then(() => {}),
    reached: (wanted) => told(({ step }) => (Number(step) >= wanted ? true : undefined)).then(() => {}),
    failed: told(({ failed }) => failed as Failed | undefined),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

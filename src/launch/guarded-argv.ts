import type { Script } from './find-script.js';

const GUARD = new URL('guard.js', import.meta.url);

/** What node is started with so that the guard comes before the script. */
export function guardedArgv(script: Script, args: readonly string[]): string[] {
  return ['--import', GUARD.href, ...script.execArgv, script.path, ...args];
}

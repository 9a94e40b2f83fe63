import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ShardfeedError } from '../errors.js';

export interface Script {
  /** Absolute. */
  readonly path: string;
  /** What node needs to run it. */
  readonly execArgv: readonly string[];
}

/**
 * Finds out how a script is run: JavaScript as it is; TypeScript by Node itself (from 22.18 on, before that by a flag from 22.6 on), or
 * by `tsx` where the script's folder can import it.
 * @throws SHARDFEED_NOT_FOUND; SHARDFEED_USAGE for a folder; SHARDFEED_UNSUPPORTED for TypeScript that nothing here can run
 */
export async function findScript(script: string): Promise<Script> {
  const path = resolve(script);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ShardfeedError('SHARDFEED_NOT_FOUND', `there is no script ${path}`, { path });
  if (!found.isFile())
    throw new ShardfeedError('SHARDFEED_USAGE', `${path} is no file: name the script itself`, { path });
  return { path, execArgv: /\.[cm]?tsx?$/.test(path) ? typeScriptArgv(path) : [] };
}

function typeScriptArgv(path: string): string[] {
  const { typescript } = process.features as { typescript?: unknown };
  if (typescript) return [];
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (!path.endsWith('x') && (major > 22 || (major === 22 && minor >= 6))) return ['--experimental-strip-types'];
  try {
    return ['--import', pathToFileURL(createRequire(path).resolve('tsx')).href];
  } catch (cause) {
    const what =
      `Node ${process.versions.node} does not run TypeScript (${path}): npm install tsx beside it, take Node 22.18 or newer, or ` +
      'compile it and name the JavaScript';
    throw new ShardfeedError('SHARDFEED_UNSUPPORTED', what, { path, cause });
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built command line tool to its end. */
export async function run(
  args: readonly string[],
  options: StartOptions & { input?: string | Uint8Array } = {},
): Promise<Ran> {
  const child = start(args, options);
  child.stdin!.on('error', () => {}); // It may end without reading all of it.
  child.stdin!.end(options.input ?? '');
  return finish(child);
}

/** Starts it with an open standard input. */
export function start(args: readonly string[], { cwd, env }: StartOptions = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
}

export async function finish(child: ChildProcess): Promise<Ran> {
  const collect = async (stream: NodeJS.ReadableStream): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  const [stdout, stderr, [code]] = await Promise.all([
    collect(child.stdout!),
    collect(child.stderr!),
    once(child, 'exit'),
  ]);
  return { code: code as number | null, stdout, stderr };
}

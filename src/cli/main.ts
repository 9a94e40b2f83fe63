#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { addCommands } from './commands.js';
import { describeError } from './describe-error.js';
import { filesOptions } from './hadoop-options.js';
import { Output } from './output.js';
import { openSession } from './session.js';

const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

process.exitCode = await main(process.argv);

/** Runs the command line; resolves with the exit code once everything is cleaned up and printed. */
async function main(argv: readonly string[]): Promise<number> {
  const abort = new AbortController();
  let stopped: number | undefined;
  for (const [name, code] of Object.entries(SIGNAL_CODES)) {
    process.on(name, () => {
      // The second time the user is in a hurry; the next run cleans up then.
      if (stopped !== undefined) process.exit(code);
      stopped = code;
      abort.abort(new Error(`stopped by ${name}`, { cause: name }));
    });
  }
  let exitCode: number | undefined;
  const output = new Output(process.stdout, () => abort.abort(new Error('the output cannot be written')));
  const program = new Command('shardfeed');
  const exitWith = (code: number): void => {
    exitCode = code;
  };
  const session = openSession({ output, signal: abort.signal, files: () => filesOptions(program), exitWith });
  addCommands(program, session);
  try {
    await program.parseAsync(argv);
    await output.end();
  } catch (error) {
    const code = report(output.failure ?? error);
    exitCode = stopped ?? code;
  }
  session.progress.clear();
  if (output.closed) return 0;
  return exitCode ?? stopped ?? 0;

  function report(error: unknown): number {
    session.progress.clear();
    // Help and version were asked for and are printed.
    if (output.closed || (error instanceof CommanderError && error.exitCode === 0)) return 0;
    const { line, exitCode } = describeError(error, program.args[0]);
    if (stopped !== undefined) process.stderr.write('shardfeed: SHARDFEED_ABORTED: stopped\n');
    else process.stderr.write(isBare(error) ? program.helpInformation() : `${line}\n`);
    return exitCode;
  }
}

/** The tool was called without a command. */
function isBare(error: unknown): boolean {
  return error instanceof CommanderError && error.code === 'commander.help';
}

import { type Files, openFiles } from '../files/index.js';
import type { Output } from './output.js';
import { Progress } from './progress.js';
import { printable } from './table.js';

/** What a subcommand works with. */
export interface Session {
  readonly output: Output;
  /** Fires at SIGINT, SIGTERM, and when the output cannot be written any more. */
  readonly signal: AbortSignal;
  readonly files: Files;
  /** Shown on stderr where that is a terminal. */
  readonly progress: Progress;
  /** Says on stderr what does not end the command. */
  warn(text: string): void;
  /** Sets the exit code of a command that ran to its end, such as 3 for corrupt data found. */
  exitWith(code: number): void;
}

export function openSession(output: Output, signal: AbortSignal, exitWith: (code: number) => void): Session {
  const progress = new Progress(process.stderr);
  const warn = (text: string): void => {
    progress.clear();
    process.stderr.write(`shardfeed: warning: ${printable(text)}\n`);
  };
  return { output, signal, files: openFiles(), progress, warn, exitWith };
}

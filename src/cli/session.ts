import { type Files, type FilesOptions, openFiles } from '../files/index.js';
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
  /** Sets the exit code of a command that ran to its end, such as 3 for corrupt data found; also where a signal asked it to end. */
  exitWith(code: number): void;
}

export interface SessionOptions extends Pick<Session, 'output' | 'signal' | 'exitWith'> {
  /** Asked for when the first URI is looked at: then the command line is parsed. */
  files(): FilesOptions;
}

export function openSession({ files: options, ...session }: SessionOptions): Session {
  const progress = new Progress(process.stderr);
  const warn = (text: string): void => {
    progress.clear();
    process.stderr.write(`shardfeed: warning: ${printable(text)}\n`);
  };
  let opened: Files | undefined;
  const open = (): Files => {
    opened ??= openFiles(options());
    return opened;
  };
  const files: Files = { resolve: (uri) => open().resolve(uri), expand: (uris, call) => open().expand(uris, call) };
  return { ...session, files, progress, warn };
}

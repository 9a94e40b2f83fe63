import type { Command } from 'commander';

/** Lets the help of a command begin with examples. */
export function withExamples(command: Command, examples: readonly (readonly [line: string, what: string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  ${line.padEnd(width)}  # ${what}`);
  return command.addHelpText('before', `Examples:\n${lines.join('\n')}\n`);
}

/** How the arguments of the reading commands are explained. */
export const SOURCES = 'TFRecord files, folders or patterns: paths or URIs; gzip and zlib are told by their bytes';

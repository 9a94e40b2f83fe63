import { CommanderError } from 'commander';
import { type ErrorCode, exitCodeOf, isShardfeedError, type ShardfeedError } from '../errors.js';
import { printable } from './table.js';

/** What a user of the command line can do about an error, where the message does not say it. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  SHARDFEED_EXISTS: 'give --overwrite to replace it',
  SHARDFEED_CORRUPT_RECORD: '`shardfeed verify` lists all damage, `shardfeed repair` copies what is whole',
  SHARDFEED_CORRUPT_STREAM: '`shardfeed verify` lists all damage, `shardfeed repair` copies what is whole',
  SHARDFEED_TRUNCATED: '`shardfeed verify` lists all damage, `shardfeed repair` copies what is whole',
};

/** One line for stderr, and the exit code. */
export interface ErrorReport {
  readonly line: string;
  readonly exitCode: number;
}

export function describeError(error: unknown): ErrorReport {
  if (error instanceof CommanderError) return { line: usageLine(error), exitCode: 2 };
  if (isShardfeedError(error)) return { line: errorLine(error), exitCode: exitCodeOf(error) };
  const text = error instanceof Error ? (process.env.SHARDFEED_DEBUG ? error.stack : error.message) : String(error);
  return {
    line: `shardfeed: unexpected error: ${text} (please report it; SHARDFEED_DEBUG=1 shows where)`,
    exitCode: 1,
  };
}

function errorLine(error: ShardfeedError): string {
  const message = oneLine(error.message);
  const where = [
    error.path !== undefined && !message.includes(oneLine(error.path)) ? oneLine(error.path) : undefined,
    detail(message, 'line', error.line),
    error.column !== undefined && !message.includes(oneLine(error.column))
      ? `column ${oneLine(error.column)}`
      : undefined,
    detail(message, 'byte', error.offset),
    detail(message, 'record', error.record),
  ].filter((part) => part !== undefined);
  const hint = HINTS[error.code];
  const tail =
    hint === undefined || (error.code === 'SHARDFEED_EXISTS' && !message.includes('is not set')) ? '' : `; ${hint}`;
  return `shardfeed: ${error.code}: ${message}${where.length === 0 ? '' : ` (${where.join(', ')})`}${tail}`;
}

/** A place that the message does not name yet. */
function detail(message: string, name: string, value: number | undefined): string | undefined {
  if (value === undefined || new RegExp(`\\b${name} ${value}\\b`).test(message)) return undefined;
  return `${name} ${value}`;
}

function usageLine(error: CommanderError): string {
  const message = oneLine(
    error.message
      .replace(/^error: /, '')
      .replace('Did you mean', 'did you mean')
      .replace('is invalid. ', 'is invalid: '),
  ).replace(/\.$/, '');
  return `shardfeed: SHARDFEED_USAGE: ${message}; see --help`;
}

function oneLine(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, ' '));
}

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

const OPTIONS =
  /(?<!["\w-])(partitionBy|targetBytes|splitKey|badRows|badRowBudget|memberBytes|spoolDir|recordDelimiter|quotedNulls|relaxColumnCount|relaxQuotes|maxRowBytes)(?!["\w])/g;

/** Commands that run a script, which may have options of its own. */
const SCRIPT_COMMANDS: readonly (string | undefined)[] = ['train', 'worker'];

/** One line for stderr, and the exit code. */
export interface ErrorReport {
  readonly line: string;
  readonly exitCode: number;
}

/** @param command what was called, if it is known */
export function describeError(error: unknown, command?: string): ErrorReport {
  if (error instanceof CommanderError) return { line: usageLine(error, command), exitCode: 2 };
  if (isShardfeedError(error)) return { line: errorLine(error), exitCode: exitCodeOf(error) };
  const text = error instanceof Error ? (process.env.SHARDFEED_DEBUG ? error.stack : error.message) : String(error);
  return {
    line: `shardfeed: unexpected error: ${text} (please report it; SHARDFEED_DEBUG=1 shows where)`,
    exitCode: 1,
  };
}

function errorLine(error: ShardfeedError): string {
  const message = withFlags(oneLine(error.message));
  const where = [
    error.path !== undefined && !message.includes(oneLine(error.path)) ? oneLine(error.path) : undefined,
    detail(message, 'line', error.line),
    error.column !== undefined && !message.includes(oneLine(error.column))
      ? `column ${oneLine(error.column)}`
      : undefined,
    detail(message, 'byte', error.offset),
    detail(message, 'record', error.record),
  ].filter((part) => part !== undefined);
  const hint = hintFor(error);
  const tail = hint === undefined ? '' : `; ${hint}`;
  return `shardfeed: ${error.code}: ${message}${where.length === 0 ? '' : ` (${where.join(', ')})`}${tail}`;
}

function hintFor({ code, message, offset }: ShardfeedError): string | undefined {
  if (code === 'SHARDFEED_EXISTS' && !message.includes('is not set')) return undefined;
  const start = offset === 0 && (code === 'SHARDFEED_CORRUPT_RECORD' || code === 'SHARDFEED_TRUNCATED');
  if (start) return `is it a TFRecord file at all? ${HINTS[code]}`;
  return HINTS[code];
}

/** Options that the library calls `partitionBy` are `--partition-by` here. */
function withFlags(message: string): string {
  const flag = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return message.replace(OPTIONS, flag);
}

/** A place that the message does not name yet. */
function detail(message: string, name: string, value: number | undefined): string | undefined {
  if (value === undefined || new RegExp(`\\b${name} ${value}\\b`).test(message)) return undefined;
  return `${name} ${value}`;
}

function usageLine(error: CommanderError, command?: string): string {
  const message = oneLine(
    error.message
      .replace(/^error: /, '')
      .replace('Did you mean', 'did you mean')
      .replace('is invalid. ', 'is invalid: '),
  ).replace(/\.$/, '');
  const isForScript = error.code === 'commander.unknownOption' && SCRIPT_COMMANDS.includes(command);
  const hint = isForScript ? "options of the script's own go behind --; " : '';
  return `shardfeed: SHARDFEED_USAGE: ${message}; ${hint}see --help`;
}

function oneLine(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, ' '));
}

import { type Command, Option } from 'commander';
import type { CsvOptions } from '../convert/index.js';
import { byteSize, names, pairs, texts } from './parse-options.js';

/** The flags that tell how CSV is written, as commander collects them. */
export interface CsvFlags {
  delimiter?: string;
  quote?: string;
  escape?: string;
  comment?: string;
  encoding?: string;
  recordDelimiter?: string;
  header: boolean;
  columnNames?: string[];
  null?: string[];
  quotedNulls?: true;
  separator?: string[];
  rename?: Record<string, string>;
  drop?: string[];
  trim?: true;
  relaxColumnCount?: true;
  relaxQuotes?: true;
  maxRowBytes?: number;
}

export function addCsvOptions(command: Command): Command {
  const flags = [
    new Option('--delimiter <text>', 'between cells; \\t is a tab (default: ,)').argParser(unescaped),
    new Option('--quote <char>', 'around cells, or "none" (default: ")'),
    new Option('--escape <char>', 'before a quote in a quoted cell (default: the quote)'),
    new Option('--comment <text>', 'begins comments'),
    new Option('--encoding <name>', 'such as latin1 or utf-16le (default: utf-8)'),
    new Option('--record-delimiter <text>', 'ends a row, where it is no line break').argParser(unescaped),
    new Option('--no-header', 'the first row is data'),
    new Option('--column-names <names>', 'names of the columns, in place of a header').argParser(names),
    new Option('--null <token>', 'a cell that means missing, beside the empty one; may be repeated').argParser(texts),
    new Option('--quoted-nulls', 'in quotes too'),
    new Option(
      '--separator <text>',
      'between the values of a list in one cell, or name=text for one feature',
    ).argParser(texts),
    new Option('--rename <old=new>', 'take columns under other names').argParser(pairs),
    new Option('--drop <names>', 'leave columns out').argParser(names),
    new Option('--trim', 'cut blanks around cells'),
    new Option('--relax-column-count', 'rows may have too few or too many cells'),
    new Option('--relax-quotes', 'quotes in unquoted cells are plain characters'),
    new Option('--max-row-bytes <size>', 'a longer row is bad (default: 64MiB)').argParser(byteSize),
  ];
  for (const flag of flags) command.addOption(flag.helpGroup('CSV:'));
  return command;
}

export function csvOptions(flags: CsvFlags): CsvOptions {
  const { delimiter, comment, encoding, recordDelimiter, quotedNulls, rename, drop } = flags;
  const { trim, relaxColumnCount, relaxQuotes, maxRowBytes } = flags;
  return {
    ...{ delimiter, comment, encoding, recordDelimiter, quotedNulls, rename, drop },
    escape: flags.escape,
    ...{ trim, relaxColumnCount, relaxQuotes, maxRowBytes },
    quote: flags.quote === 'none' ? null : flags.quote,
    header: flags.header ? undefined : false,
    columns: flags.columnNames,
    nulls: flags.null === undefined ? undefined : ['', ...flags.null],
    separator: flags.separator === undefined ? undefined : separatorOf(flags.separator),
  };
}

function separatorOf(all: readonly string[]): string | Record<string, string> {
  const byName = all.every((text) => text.indexOf('=') > 0);
  return byName ? all.reduce<Record<string, string>>((found, text) => pairs(text, found), {}) : all.at(-1)!;
}

function unescaped(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n').replaceAll('\\r', '\r').replaceAll('\\0', '\0');
}

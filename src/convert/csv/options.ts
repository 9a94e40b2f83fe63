import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';
import { recordOf } from '../../record-of.js';

/** How CSV text is to be read. The defaults are RFC 4180 with LF or CRLF, a header line, and UTF-8. */
export interface CsvOptions {
  /** Between cells. One ASCII character goes the fast way, a longer string through csv-parse. Default `,`. */
  delimiter?: string;
  /** Around cells that hold delimiters or newlines; `null` for none. Default `"`. */
  quote?: string | null;
  /** Before a quote inside a quoted cell. Default: the quote itself, doubled. */
  escape?: string;
  /** Lines, or rests of lines, after this are left out. Default none. */
  comment?: string;
  /** Any encoding that TextDecoder knows. Cells of bytes columns become UTF-8. Default `utf-8`: bytes pass as they are. */
  encoding?: string;
  /** What ends a row, where it is neither LF nor CRLF. */
  recordDelimiter?: string;
  /** Rows with too few cells get missing cells, surplus cells are left out. Default false: such a row is bad. */
  relaxColumnCount?: boolean;
  /** Quotes in unquoted cells are plain characters. Default false. */
  relaxQuotes?: boolean;
  /** Cuts whitespace around cells (numbers need no trimming). Default false. */
  trim?: boolean;

  /** The first row names the columns. Default true. */
  header?: boolean;
  /** Names of the columns, instead of a header or in its place. */
  columns?: readonly string[];
  /** Cells that mean missing, exactly as written (around numbers, blanks do not count). Default `['']`. */
  nulls?: readonly string[];
  /** Null tokens count in quotes too, so that `""` is missing. Default false. */
  quotedNulls?: boolean;
  /** Between the values of a list in one cell: for all list features, or by feature. */
  separator?: string | Readonly<Record<string, string>>;
  /** Columns to take under another name: `{ csvName: featureName }`. */
  rename?: Readonly<Record<string, string>>;
  /** Columns to leave out, by their CSV name. */
  drop?: readonly string[];
  /** A row above this many bytes is bad; a quote that is never closed ends there. Default 64 MiB. */
  maxRowBytes?: number;
}

export const MAX_ROW_BYTES = 64 << 20;

const character = z.string().min(1);
const schema = z.strictObject({
  delimiter: character.default(','),
  quote: z.union([z.string().length(1), z.null()]).default('"'),
  escape: z.string().length(1).optional(),
  comment: character.optional(),
  encoding: z.string().min(1).default('utf-8'),
  recordDelimiter: character.optional(),
  relaxColumnCount: z.boolean().default(false),
  relaxQuotes: z.boolean().default(false),
  trim: z.boolean().default(false),
  header: z.boolean().default(true),
  columns: z.array(z.string().min(1)).min(1).optional(),
  nulls: z.array(z.string()).default(['']),
  quotedNulls: z.boolean().default(false),
  separator: z.union([character, recordOf(character)]).optional(),
  rename: recordOf(z.string().min(1)).default({}),
  drop: z.array(z.string()).default([]),
  maxRowBytes: z
    .int()
    .min(1)
    .max(1 << 30)
    .default(MAX_ROW_BYTES),
});

/** CsvOptions with the defaults filled in; structured-cloneable. */
export type CheckedCsvOptions = z.infer<typeof schema>;

/** @throws SHARDFEED_USAGE naming the option and the offending value */
export function checkCsvOptions(options: CsvOptions = {}): CheckedCsvOptions {
  const result = schema.safeParse(options);
  if (!result.success) throw usage(z.prettifyError(result.error).replaceAll('✖ ', '').replaceAll('\n', ' '));
  const csv = result.data;
  if (/[\r\n]/.test(csv.delimiter)) throw usage('the delimiter may hold no line break');
  if (csv.quote !== null && (csv.delimiter.includes(csv.quote) || /[\r\n]/.test(csv.quote))) {
    throw usage(`quote ${JSON.stringify(csv.quote)} may be no line break and not part of the delimiter`);
  }
  try {
    new TextDecoder(csv.encoding);
  } catch {
    throw usage(`encoding ${JSON.stringify(csv.encoding)} is not known`);
  }
  if (csv.escape !== undefined && csv.quote === null) throw usage('escape wants a quote');
  for (const token of csv.nulls) {
    if (csv.quote !== null && token.includes(csv.quote))
      throw usage(`null token ${JSON.stringify(token)} holds a quote`);
  }
  for (const separator of separatorsOf(csv)) {
    if (csv.quote !== null && separator.includes(csv.quote)) {
      throw usage(`separator ${JSON.stringify(separator)} holds a quote`);
    }
  }
  if (csv.columns !== undefined) {
    const twice = csv.columns.find((name, i) => csv.columns!.indexOf(name) !== i);
    if (twice !== undefined) throw usage(`columns names ${JSON.stringify(twice)} twice`);
  }
  return csv;
}

function separatorsOf(csv: CheckedCsvOptions): string[] {
  if (csv.separator === undefined) return [];
  return typeof csv.separator === 'string' ? [csv.separator] : Object.values(csv.separator);
}

/** Whether the byte path reads files of this dialect as they stand. Any other goes through `transcodeCsv` first. */
export function isPlainDialect(csv: CheckedCsvOptions): boolean {
  return isUtf8(csv.encoding) && !needsCsvParse(csv);
}

/** Whether the dialect, once it is UTF-8, is more than the byte path can read. */
export function needsCsvParse(csv: CheckedCsvOptions): boolean {
  return (
    !isAscii(csv.delimiter) ||
    (csv.quote !== null && !isAscii(csv.quote)) ||
    (csv.escape !== undefined && csv.escape !== csv.quote) ||
    csv.comment !== undefined ||
    csv.recordDelimiter !== undefined ||
    csv.relaxColumnCount ||
    csv.relaxQuotes ||
    csv.trim
  );
}

export function isUtf8(encoding: string): boolean {
  return /^utf-?8$/i.test(encoding);
}

function isAscii(text: string): boolean {
  return text.length === 1 && text.charCodeAt(0) < 128;
}

function usage(message: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `csv options: ${message}`);
}

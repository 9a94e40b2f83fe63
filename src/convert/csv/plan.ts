import { ShardfeedError } from '../../errors.js';
import { own } from '../../own-properties.js';
import { type Feature, type Schema, widthOf } from '../../records/schema.js';
import { type CheckedCsvOptions, type CsvOptions, checkCsvOptions, needsCsvParse } from './options.js';

/** How the byte path reads text: single ASCII characters. */
export interface ByteDialect {
  readonly delimiter: string;
  readonly quote: string | null;
}

/** How the rows of files with one header become columns of the schema. Structured-cloneable. */
export interface CsvPlan {
  readonly schema: Schema;
  /** Names of the CSV columns, in the order of the cells. */
  readonly names: readonly string[];
  /** For each cell the index of its feature in the schema, or -1. */
  readonly cells: readonly number[];
  /** For each feature what stands between the values of a list; undefined for one plain value. */
  readonly separators: readonly (string | undefined)[];
  readonly dialect: ByteDialect;
  readonly nulls: readonly string[];
  readonly quotedNulls: boolean;
  /** Empty lines are rows with one missing cell: so in a table of one column. */
  readonly blankRows: boolean;
  readonly maxRowBytes: number;
}

/**
 * Matches a file's header with the schema, by name. Columns that the schema does not know are left out; features without a
 * column are missing in every row, which needs a default or `nullable`.
 * @throws SHARDFEED_CSV_HEADER where a feature has no column, SHARDFEED_USAGE where an option names no column
 */
export function makeCsvPlan(
  schema: Schema,
  names: readonly string[],
  options: CsvOptions = {},
  where: { path?: string } = {},
): CsvPlan {
  const csv = checkCsvOptions(options);
  const index = new Map(schema.features.map((feature, i) => [feature.name, i]));
  const drop = new Set(csv.drop);
  const cells = names.map((name) => (drop.has(name) ? -1 : (index.get(own(csv.rename, name) ?? name) ?? -1)));
  checkTargets(schema, names, cells, csv, where);
  return {
    schema,
    names,
    cells,
    separators: schema.features.map((feature) => separatorOf(feature, csv)),
    dialect: byteDialect(csv),
    nulls: csv.nulls,
    quotedNulls: csv.quotedNulls,
    blankRows: names.length === 1,
    maxRowBytes: csv.maxRowBytes,
  };
}

/** What the byte path reads: the dialect itself, or RFC 4180 where `transcodeCsv` made the text so. */
export function byteDialect(csv: CheckedCsvOptions): ByteDialect {
  return needsCsvParse(csv) ? { delimiter: ',', quote: '"' } : { delimiter: csv.delimiter, quote: csv.quote };
}

function checkTargets(
  schema: Schema,
  names: readonly string[],
  cells: readonly number[],
  csv: CheckedCsvOptions,
  where: { path?: string },
): void {
  const from = new Map<number, string>();
  cells.forEach((feature, cell) => {
    if (feature < 0) return;
    const other = from.get(feature);
    if (other !== undefined) {
      throw new ShardfeedError(
        'SHARDFEED_USAGE',
        `CSV columns ${JSON.stringify(other)} and ${JSON.stringify(names[cell])} both become feature ${JSON.stringify(schema.features[feature]!.name)}: rename or drop one`,
        { ...where, column: names[cell]! },
      );
    }
    from.set(feature, names[cell]!);
  });
  schema.features.forEach((feature, i) => {
    if (from.has(i) || feature.default !== undefined || feature.nullable) return;
    const source = Object.entries(csv.rename).find(([, to]) => to === feature.name)?.[0] ?? feature.name;
    throw new ShardfeedError(
      'SHARDFEED_CSV_HEADER',
      `${where.path ?? 'CSV input'} has no column ${JSON.stringify(source)} for feature ${JSON.stringify(feature.name)}, which has no default and is not nullable; its columns are ${listed(names)}`,
      { ...where, column: feature.name },
    );
  });
}

function separatorOf(feature: Feature, csv: CheckedCsvOptions): string | undefined {
  const given = typeof csv.separator === 'object' ? own(csv.separator, feature.name) : csv.separator;
  if (feature.shape !== 'ragged' && feature.shape.length === 0) return undefined;
  if (given !== undefined) return given;
  if (widthOf(feature) === 1) return undefined;
  const shape = feature.shape === 'ragged' ? 'ragged' : `[${feature.shape.join(', ')}]`;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `feature ${JSON.stringify(feature.name)} has shape ${shape}: give a separator, such as "|", that stands between its values in a cell`,
    { column: feature.name },
  );
}

/** Names for a message, the first twenty of them. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => JSON.stringify(name));
  return names.length > 20 ? `${shown.join(', ')} and ${names.length - 20} more` : shown.join(', ');
}

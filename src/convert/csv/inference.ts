import { own } from '../../own-properties.js';
import { estimateDistinct, mergeDistinct } from '../../records/distinct.js';
import type { Feature, FeatureKind, Schema } from '../../records/schema.js';
import type { CsvOptions } from './options.js';

/** Classes of cells, as assembly/csv-number.ts numbers them. */
export const CLASS = { INT: 0, BOOL: 1, FLOAT: 2, BIG: 3, TEXT: 4 } as const;
const CLASSES = 5;

/** A cell that decides something about its column. */
export interface NotedCell {
  readonly path?: string;
  /** Where the cell stands among all rows: ordinal of its chunk's first row, byte in the chunk. */
  readonly order: readonly [row: number, offset: number];
  /** Line of its file on which the row begins, from 1. */
  readonly line: number;
  /** The cell's text, at most 200 bytes of it. */
  readonly value: string;
}

/** What is known of one CSV column. */
export interface ColumnInference {
  readonly name: string;
  /** The first cell of each class. */
  readonly first: readonly (NotedCell | undefined)[];
  /** Missing cells. */
  readonly nulls: number;
  /** Null tokens with blanks around them: missing where the column holds numbers, else text. */
  readonly blankNulls: number;
  /** Of whole numbers and true, false. */
  readonly intRange?: Range<bigint> | undefined;
  /** Of other finite numbers, as float32. */
  readonly floatRange?: Range<number> | undefined;
  /** Registers of the distinct count; none in very wide tables. */
  readonly registers?: Uint8Array<ArrayBuffer>;
}

/** What is known of the columns of some rows. Structured-cloneable; states of different rows can be merged in any order. */
export interface InferenceState {
  readonly rows: number;
  readonly columns: readonly ColumnInference[];
}

/** What is known of the rows of both. Columns are matched by name, in the order of `a`; takes over the registers. */
export function mergeInference(a: InferenceState, b: InferenceState): InferenceState {
  const others = new Map(b.columns.map((column) => [column.name, column]));
  const columns = a.columns.map((column) => {
    const other = others.get(column.name);
    return other === undefined ? column : mergeColumns(column, other);
  });
  return { rows: a.rows + b.rows, columns };
}

function mergeColumns(a: ColumnInference, b: ColumnInference): ColumnInference {
  if (a.registers !== undefined && b.registers !== undefined) mergeDistinct(a.registers, b.registers);
  return {
    name: a.name,
    first: Array.from({ length: CLASSES }, (_, i) => earlier(a.first[i], b.first[i])),
    nulls: a.nulls + b.nulls,
    blankNulls: a.blankNulls + b.blankNulls,
    intRange: union(a.intRange, b.intRange),
    floatRange: union(a.floatRange, b.floatRange),
    registers: a.registers ?? b.registers,
  };
}

function earlier(a: NotedCell | undefined, b: NotedCell | undefined): NotedCell | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isBefore(b, a) ? b : a;
}

export function isBefore(a: NotedCell, b: NotedCell): boolean {
  return a.order[0] === b.order[0] ? a.order[1] < b.order[1] : a.order[0] < b.order[0];
}

type Range<T> = readonly [min: T, max: T];

function union<T extends number | bigint>(a: Range<T> | undefined, b: Range<T> | undefined): Range<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const [min] = a[0] < b[0] ? a : b;
  const [, max] = a[1] > b[1] ? a : b;
  return [min, max];
}

export interface InferenceOptions extends Pick<CsvOptions, 'rename' | 'drop'> {
  /** Kinds that are not to be inferred, by feature name: `{ zip: 'bytes' }`. */
  kinds?: Readonly<Record<string, FeatureKind>>;
  /** Features that are labels. */
  labels?: readonly string[];
}

/** What was inferred for a feature, and from what. */
export interface ColumnReport {
  /** Name of the feature. */
  readonly name: string;
  readonly kind: FeatureKind;
  /** Cells without value. */
  readonly nulls: number;
  /** Least and greatest finite value of a number column. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  /** Estimate of how many different texts the cells have. */
  readonly distinct?: number;
  /** Why a column is not made of numbers, and the cell that says so. */
  readonly why?: { readonly reason: string; readonly cell?: NotedCell };
}

export interface Inference {
  readonly schema: Schema;
  readonly rows: number;
  readonly columns: readonly ColumnReport[];
}

/** The narrowest schema that all rows fit. Columns with missing cells are nullable. */
export function concludeInference(state: InferenceState, options: InferenceOptions = {}): Inference {
  const drop = new Set(options.drop ?? []);
  const columns = state.columns.filter(({ name }) => !drop.has(name));
  const reports = columns.map((column) => report(column, state.rows, options));
  const features = reports.map(({ name, kind, nulls }): Feature => {
    return { name, kind, shape: [], ...(nulls > 0 ? { nullable: true } : {}) };
  });
  return { schema: { features, labels: options.labels }, rows: state.rows, columns: reports };
}

function report(column: ColumnInference, rows: number, options: InferenceOptions): ColumnReport {
  const name = own(options.rename, column.name) ?? column.name;
  const decision = decide(column, rows);
  const given = own(options.kinds, name);
  const kind = given ?? decision.kind;
  const why = given !== undefined && given !== decision.kind ? { reason: 'given' } : decision.why;
  return {
    name,
    kind,
    nulls: column.nulls + (kind === 'bytes' ? 0 : column.blankNulls),
    ...(kind === 'bytes' ? {} : bounds(column, kind)),
    distinct: column.registers && estimateDistinct(column.registers),
    why,
  };
}

function decide(column: ColumnInference, rows: number): Pick<ColumnReport, 'kind' | 'why'> {
  const { first } = column;
  const text = first[CLASS.TEXT];
  const float = first[CLASS.FLOAT];
  const bool = first[CLASS.BOOL];
  const big = first[CLASS.BIG];
  if (text !== undefined) return bytes('a cell is no number', text);
  if (float !== undefined && bool !== undefined) {
    return bytes('true and false stand beside decimal numbers', isBefore(bool, float) ? float : bool);
  }
  if (big !== undefined && bool !== undefined) return bytes('a whole number is beyond int64', big);
  if (float !== undefined) return { kind: 'float' };
  if (big !== undefined) return bytes('a whole number is beyond int64', big);
  if (first[CLASS.INT] !== undefined || bool !== undefined) return { kind: 'int64' };
  return bytes(rows === 0 ? 'there are no rows' : 'all cells are missing');
}

function bytes(reason: string, cell?: NotedCell): Pick<ColumnReport, 'kind' | 'why'> {
  return { kind: 'bytes', why: cell === undefined ? { reason } : { reason, cell } };
}

function bounds(column: ColumnInference, kind: FeatureKind): { min?: number | bigint; max?: number | bigint } {
  const { intRange, floatRange } = column;
  if (kind === 'int64') return intRange === undefined ? {} : { min: small(intRange[0]), max: small(intRange[1]) };
  const ends = [...(floatRange ?? []), ...(intRange ?? []).map((v) => Math.fround(Number(v)))];
  // + 0 makes one of both zeros
  return ends.length === 0 ? {} : { min: Math.min(...ends) + 0, max: Math.max(...ends) + 0 };
}

function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

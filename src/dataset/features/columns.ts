import { ShardfeedError } from '../../errors.js';
import type { BytesColumn, Column, FixedColumn, Numbers, RaggedColumn } from '../../records/batch.js';
import { type Feature, type FeatureKind, widthOf } from '../../records/schema.js';
import type { FeatureStatistics } from '../statistics-json.js';
import type { FeatureSpec } from './specs.js';

/** What is known of a column before there is a batch. */
export interface KnownColumn {
  readonly feature: Feature;
  /** It is a label, or was made of one. */
  readonly label: boolean;
  /** It holds the classes 0 to `classes` - 1, or -1 for none. */
  readonly classes?: number;
  readonly statistics?: FeatureStatistics;
}

/** A spec, compiled. */
export interface Step {
  /** The spec with everything filled in. */
  readonly spec: FeatureSpec;
  readonly output: Feature;
  readonly classes?: number;
  /** Makes the output of the inputs' columns, which were checked. Nothing of it is theirs but offsets of rows. */
  run(columns: readonly Column[], rows: number): Column;
}

export function usage(op: string, column: string, what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `${op} of ${JSON.stringify(column)}: ${what}`, { column });
}

function mismatch(column: string, what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', `column ${JSON.stringify(column)} ${what}`, { column });
}

/** @throws SHARDFEED_SCHEMA_MISMATCH */
export function expectKind(op: string, { feature }: KnownColumn, kinds: readonly FeatureKind[]): void {
  if (kinds.includes(feature.kind)) return;
  throw mismatch(feature.name, `is ${feature.kind}, ${op} wants ${kinds.join(' or ')}`);
}

/** How many classes there are: `count`, or as many as it takes for the class of nulls to be one. */
export function classesOf(count: number, missing = -1): number {
  return Math.max(count, missing + 1);
}

/** A batch's column, once it is what its feature says. @throws SHARDFEED_SCHEMA_MISMATCH */
export function checkColumn(feature: Feature, column: Column | undefined, rows: number): Column {
  const { name, kind, shape } = feature;
  if (column === undefined) throw mismatch(name, 'is not in the batch');
  const layout = kind === 'bytes' ? 'bytes' : shape === 'ragged' ? 'ragged' : 'fixed';
  if (column.layout !== layout) throw mismatch(name, `is ${column.layout}, its feature is ${kind}`);
  const offsets = rowOffsetsOf(column);
  if ((offsets !== undefined) !== (shape === 'ragged')) throw mismatch(name, 'is not as ragged as its feature');
  if (offsets !== undefined && !ascending(offsets, rows + 1))
    throw mismatch(name, `wants ${rows + 1} ascending offsets`);
  const width = offsets === undefined ? widthOfColumn(column as FixedColumn) : -1;
  if (width !== widthOf(feature)) throw mismatch(name, `has ${width} values in a row, its feature ${widthOf(feature)}`);
  const count = countOf(column, rows);
  const held = column.layout === 'bytes' ? column.offsets.length - 1 : column.values.length;
  if (held < count) throw mismatch(name, `has ${held} values, ${count} are wanted`);
  if (column.layout !== 'bytes' && (kind === 'float') !== column.values instanceof Float32Array) {
    throw mismatch(name, `is a ${column.values.constructor.name}, its feature is ${kind}`);
  }
  return column;
}

/** Where each row begins, of a ragged column. */
export function rowOffsetsOf(column: Column): Int32Array | undefined {
  return column.layout === 'ragged' ? column.offsets : column.layout === 'bytes' ? column.rowOffsets : undefined;
}

function widthOfColumn(column: FixedColumn | BytesColumn): number {
  return (column.shape as readonly number[]).reduce((n, d) => n * d, 1);
}

/** How many values, or items of bytes, the rows of a column have. */
export function countOf(column: Column, rows: number): number {
  return rowOffsetsOf(column)?.[rows] ?? rows * widthOfColumn(column as FixedColumn);
}

/** Where each row begins, of any column. */
export function offsetsOf(column: Column, rows: number): Int32Array {
  return rowOffsetsOf(column)?.subarray(0, rows + 1) ?? evenOffsets(rows, widthOfColumn(column as FixedColumn));
}

/** Where each row begins when all have the same width. */
export function evenOffsets(rows: number, width: number): Int32Array<ArrayBuffer> {
  const offsets = new Int32Array(rows + 1);
  for (let row = 0; row <= rows; row++) offsets[row] = row * width;
  return offsets;
}

/** New values in the rows of a column, none of them null. */
export function inRowsOf(column: Column, values: Numbers): Column {
  const offsets = rowOffsetsOf(column);
  if (offsets !== undefined) return { layout: 'ragged', values, offsets } satisfies RaggedColumn;
  return { layout: 'fixed', values, shape: (column as FixedColumn).shape } satisfies FixedColumn;
}

/** Gives the values of null rows a value; a null row of a ragged column has none. */
export function fillNulls<T extends number | bigint>(
  values: { fill(value: T, from: number, to: number): unknown },
  column: Column,
  rows: number,
  value: T,
): void {
  const { validity } = column;
  if (validity === undefined || rowOffsetsOf(column) !== undefined) return;
  const width = widthOfColumn(column as FixedColumn);
  for (let row = 0; row < rows; row++) {
    if (((validity[row >> 3]! >> (row & 7)) & 1) === 0) values.fill(value, row * width, (row + 1) * width);
  }
}

/** Numbers that loops can read without making a BigInt of each; int64 beyond 2^53 are rounded. */
export function asFloats(values: Numbers, count: number): Float32Array | Float64Array {
  if (!(values instanceof BigInt64Array)) return values.subarray(0, count);
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * count);
  const floats = new Float64Array(count);
  for (let i = 0; i < count; i++) floats[i] = halves[2 * i + 1]! * 2 ** 32 + (halves[2 * i]! >>> 0);
  return floats;
}

function ascending(offsets: Int32Array, count: number): boolean {
  if (offsets.length < count || offsets[0]! < 0) return false;
  for (let i = 1; i < count; i++) if (offsets[i]! < offsets[i - 1]!) return false;
  return true;
}

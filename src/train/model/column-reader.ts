import { ShardfeedError } from '../../errors.js';
import { own } from '../../own-properties.js';
import type { Batch, Column, FixedColumn, Numbers } from '../../records/batch.js';
import { elementsOf } from '../parameters.js';

/** Where rows of a batch go: row i to `target[offset + i stride ...]`. */
export interface Target {
  readonly values: Float32Array;
  readonly offset: number;
  readonly stride: number;
}

/**
 * Copies `width` numbers of each chosen row.
 * @param rows of the batch, of which the first `count` are chosen
 * @throws SHARDFEED_SCHEMA_MISMATCH for a column that is not there, not of that width, or null in a row; SHARDFEED_NOT_FINITE
 */
export function readNumbers(
  batch: Batch,
  column: string,
  width: number,
  rows: Int32Array,
  count: number,
  { values: to, offset, stride }: Target,
): void {
  const from = fixedColumn(batch, column, width);
  if (from.validity !== undefined) refuseNulls(from.validity, column, rows, count);
  const numbers = toNumbers(from.values);
  let check = 0;
  if (width === 1) {
    for (let i = 0, at = offset; i < count; i++, at += stride) {
      const value = numbers[rows[i]!]!;
      to[at] = value;
      check += value * 0;
    }
  } else {
    for (let i = 0; i < count; i++) {
      const first = rows[i]! * width;
      const at = offset + i * stride;
      for (let j = 0; j < width; j++) {
        const value = numbers[first + j]!;
        to[at + j] = value;
        check += value * 0;
      }
    }
  }
  // A NaN or an infinity, times 0, is NaN, and stays.
  if (check !== 0) refuseNotFinite(numbers, column, width, rows, count);
}

/** Puts a 1 where the class of each chosen row is, among `depth` numbers; zeros for nulls and what is not within. @throws as readNumbers */
export function readOneHot(
  batch: Batch,
  column: string,
  depth: number,
  rows: Int32Array,
  count: number,
  { values: to, offset, stride }: Target,
): void {
  const { values, validity } = fixedColumn(batch, column, 1);
  const classes = toNumbers(values);
  for (let i = 0, at = offset; i < count; i++, at += stride) {
    for (let j = at; j < at + depth; j++) to[j] = 0;
    const row = rows[i]!;
    const k = classes[row]!;
    if (k >= 0 && k < depth && (validity === undefined || ((validity[row >> 3]! >> (row & 7)) & 1) === 1))
      to[at + k] = 1;
  }
}

function fixedColumn({ columns, size }: Batch, name: string, width: number): FixedColumn {
  const column: Column | undefined = own(columns, name);
  if (column === undefined) {
    throw mismatch(name, `is not in the batch, which has ${Object.keys(columns).join(', ')}`);
  }
  if (column.layout !== 'fixed') {
    throw mismatch(name, `is ${column.layout}; a model takes numbers, as compileFeatures makes of text and lists`);
  }
  const held = elementsOf(column.shape);
  if (held !== width) throw mismatch(name, `has ${held} numbers a row, the model wants ${width}`);
  if (column.values.length < size * width) throw mismatch(name, `has fewer than ${size} rows`);
  return column;
}

function toNumbers(values: Numbers): Float32Array | Float64Array {
  return values instanceof BigInt64Array ? Float64Array.from(values, Number) : values;
}

function refuseNulls(validity: Uint8Array, column: string, rows: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    if (((validity[row >> 3]! >> (row & 7)) & 1) === 1) continue;
    throw mismatch(
      column,
      `is null in row ${row} of the batch: give the feature a default, or \`missing\` to what compileFeatures makes of it`,
    );
  }
}

function refuseNotFinite(
  numbers: Float32Array | Float64Array,
  column: string,
  width: number,
  rows: Int32Array,
  count: number,
): never {
  const row = rows.subarray(0, count).find((one) => {
    return numbers.subarray(one * width, (one + 1) * width).some((value) => !Number.isFinite(value));
  })!;
  const value = numbers.subarray(row * width, (row + 1) * width).find((one) => !Number.isFinite(one));
  throw new ShardfeedError(
    'SHARDFEED_NOT_FINITE',
    `column ${JSON.stringify(column)} is ${value} in row ${row} of the batch`,
    {
      column,
    },
  );
}

function mismatch(column: string, what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', `column ${JSON.stringify(column)} ${what}`, { column });
}

import type { Int64As } from './kernel/columns.js';
import type { Feature, FeatureKind, Schema } from './schema.js';

/**
 * Columnar rows in Arrow's physical layout on plain typed arrays (https://arrow.apache.org/docs/format/Columnar.html).
 * `validity`, where present, is a bitmap, least significant bit first; bit i of row i is 1 where the value is there.
 * Rows that are null hold zeros (fixed) or no values (ragged, bytes).
 */
export type Numbers = Float32Array | Float64Array | BigInt64Array;

/** A feature's shape: see {@link Feature}. */
type Shape = Feature['shape'];

/** A number column with the same number of values in every row. */
export interface FixedColumn<N extends Numbers = Numbers, S extends readonly number[] = readonly number[]> {
  readonly layout: 'fixed';
  /** Float32Array for float; Float64Array (default) or BigInt64Array for int64. Length: rows x product(shape). */
  readonly values: N;
  readonly shape: S;
  readonly validity?: Uint8Array;
}

/** A number column with any number of values in a row: row i is values[offsets[i] .. offsets[i + 1]). */
export interface RaggedColumn<N extends Numbers = Numbers> {
  readonly layout: 'ragged';
  readonly values: N;
  /** Length: rows + 1. */
  readonly offsets: Int32Array;
  readonly validity?: Uint8Array;
}

/** A bytes column: item i is data[offsets[i] .. offsets[i + 1]). */
export interface BytesColumn<S extends Shape = Shape> {
  readonly layout: 'bytes';
  readonly data: Uint8Array;
  /** Length: items + 1. Items are rows x product(shape), row-major, or for ragged columns `rowOffsets[rows]`. */
  readonly offsets: Int32Array;
  readonly shape: S;
  /** Only for ragged columns: row i holds the items rowOffsets[i] .. rowOffsets[i + 1]. Length: rows + 1. */
  readonly rowOffsets?: Int32Array;
  readonly validity?: Uint8Array;
}

export type Column = FixedColumn | RaggedColumn | BytesColumn;

/** The column that holds a feature, as far as the feature's type tells. */
export type ColumnOf<F extends Feature, I extends Int64As = 'number'> = F['kind'] extends 'bytes'
  ? BytesOf<F['shape']>
  : 'bytes' extends F['kind']
    ? Column
    : NumbersOf<NumberArray<F['kind'], I>, F['shape']>;

type BytesOf<S extends Shape> = S extends 'ragged'
  ? BytesColumn<S> & { readonly rowOffsets: Int32Array }
  : BytesColumn<S>;
type NumbersOf<N extends Numbers, S extends Shape> = S extends readonly number[] ? FixedColumn<N, S> : RaggedColumn<N>;
type NumberArray<K extends FeatureKind, I extends Int64As> = K extends 'float'
  ? Float32Array
  : I extends 'bigint'
    ? BigInt64Array
    : Float64Array;

/**
 * Some rows of a dataset. Of a schema literal (`{ ... } as const satisfies Schema`) `Batch<typeof schema>` knows every
 * column by name and type, and `Batch<typeof schema, 'bigint'>` that of int64 columns read as BigInt64Array. A plain
 * `Batch` may hold any columns.
 */
export interface Batch<S extends Schema = Schema, I extends Int64As = 'number'> {
  /** Number of rows. */
  readonly size: number;
  readonly columns: { readonly [F in S['features'][number] as F['name']]: ColumnOf<F, I> };
  /** One byte a row: 1 = counts, 0 = padding, or lost to corruption or a filter. */
  readonly mask: Uint8Array;
}

/** A schema of which only some features are read: what is known of it is left of a schema literal and literal names. */
export type Projected<S extends Schema, C extends string> = string extends C | S['features'][number]['name']
  ? S
  : { readonly features: readonly Extract<S['features'][number], { readonly name: C }>[] };

/** A batch of its own memory, such as of one that is borrowed. */
export function copyBatch({ size, columns, mask }: Batch): Batch {
  const copy = (column: Column): Column => {
    const entries = Object.entries(column).map(([key, value]) => [
      key,
      ArrayBuffer.isView(value) ? copyArray(value as Uint8Array) : value,
    ]);
    return Object.fromEntries(entries) as Column;
  };
  const copied = Object.entries(columns).map(([name, column]) => [name, copy(column)] as const);
  return { size, columns: Object.fromEntries(copied), mask: copyArray(mask) };
}

/** Memory of its own. (`slice` of a Node Buffer would share it.) */
export function copyArray<A extends Numbers | Int32Array | Uint8Array>(array: A): A {
  return (array instanceof Uint8Array ? new Uint8Array(array) : array.slice()) as A;
}

export function isValid(column: Column, row: number): boolean {
  return column.validity === undefined || ((column.validity[row >> 3]! >> (row & 7)) & 1) === 1;
}

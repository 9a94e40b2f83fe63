/**
 * Columnar rows in Arrow's physical layout on plain typed arrays (https://arrow.apache.org/docs/format/Columnar.html).
 * `validity`, where present, is a bitmap, least significant bit first; bit i of row i is 1 where the value is there.
 * Rows that are null hold zeros (fixed) or no values (ragged, bytes).
 */
export type Numbers = Float32Array | Float64Array | BigInt64Array;

/** A number column with the same number of values in every row. */
export interface FixedColumn {
  readonly layout: 'fixed';
  /** Float32Array for float; Float64Array (default) or BigInt64Array for int64. Length: rows x product(shape). */
  readonly values: Numbers;
  readonly shape: readonly number[];
  readonly validity?: Uint8Array;
}

/** A number column with any number of values in a row: row i is values[offsets[i] .. offsets[i + 1]). */
export interface RaggedColumn {
  readonly layout: 'ragged';
  readonly values: Numbers;
  /** Length: rows + 1. */
  readonly offsets: Int32Array;
  readonly validity?: Uint8Array;
}

/** A bytes column: item i is data[offsets[i] .. offsets[i + 1]). */
export interface BytesColumn {
  readonly layout: 'bytes';
  readonly data: Uint8Array;
  /** Length: items + 1. Items are rows x product(shape), row-major, or for ragged columns `rowOffsets[rows]`. */
  readonly offsets: Int32Array;
  readonly shape: readonly number[] | 'ragged';
  /** Only for ragged columns: row i holds the items rowOffsets[i] .. rowOffsets[i + 1]. Length: rows + 1. */
  readonly rowOffsets?: Int32Array;
  readonly validity?: Uint8Array;
}

export type Column = FixedColumn | RaggedColumn | BytesColumn;

export interface Batch {
  /** Number of rows. */
  readonly size: number;
  readonly columns: Readonly<Record<string, Column>>;
  /** One byte a row: 1 = counts, 0 = padding, or lost to corruption or a filter. */
  readonly mask: Uint8Array;
}

/** A batch of its own memory, such as of one that is borrowed. */
export function copyBatch({ size, columns, mask }: Batch): Batch {
  const copy = (column: Column): Column => {
    const entries = Object.entries(column).map(([key, value]) => [
      key,
      ArrayBuffer.isView(value) ? copyArray(value) : value,
    ]);
    return Object.fromEntries(entries) as Column;
  };
  const copied = Object.entries(columns).map(([name, column]) => [name, copy(column)] as const);
  return { size, columns: Object.fromEntries(copied), mask: mask.slice() };
}

function copyArray(array: ArrayBufferView): unknown {
  return (array as Uint8Array).slice();
}

export function isValid(column: Column, row: number): boolean {
  return column.validity === undefined || ((column.validity[row >> 3]! >> (row & 7)) & 1) === 1;
}

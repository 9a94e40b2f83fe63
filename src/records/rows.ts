import { put } from '../own-properties.js';
import { type Batch, type BytesColumn, type Column, isValid } from './batch.js';

type Cell = number | bigint | Uint8Array;

/** A row as an object: a value where the shape is `[]`, an array for other shapes and ragged columns, null where null. */
export type DecodedRow = Record<string, Cell | Cell[] | null>;

/** The rows of a batch as objects, also those with mask 0. Bytes are views of the batch. Sugar, not for hot paths. */
export function* rows(batch: Batch): Generator<DecodedRow> {
  const columns = Object.entries(batch.columns);
  for (let i = 0; i < batch.size; i++) {
    const row: DecodedRow = {};
    for (const [name, column] of columns) put(row, name, cellOf(column, i));
    yield row;
  }
}

/** What one row of a column holds. */
export function cellOf(column: Column, row: number): Cell | Cell[] | null {
  if (!isValid(column, row)) return null;
  if (column.layout === 'bytes') return bytesCell(column, row);
  if (column.layout === 'ragged') return [...column.values.subarray(column.offsets[row]!, column.offsets[row + 1]!)];
  const width = column.shape.reduce((n, d) => n * d, 1);
  const cell = [...column.values.subarray(row * width, (row + 1) * width)];
  return column.shape.length === 0 ? cell[0]! : cell;
}

function bytesCell({ data, offsets, rowOffsets, shape }: BytesColumn, row: number): Uint8Array | Uint8Array[] {
  const width = shape === 'ragged' ? 0 : shape.reduce((n, d) => n * d, 1);
  const from = rowOffsets === undefined ? row * width : rowOffsets[row]!;
  const to = rowOffsets === undefined ? from + width : rowOffsets[row + 1]!;
  const items: Uint8Array[] = [];
  for (let k = from; k < to; k++) items.push(data.subarray(offsets[k]!, offsets[k + 1]!));
  return shape.length === 0 ? items[0]! : items;
}

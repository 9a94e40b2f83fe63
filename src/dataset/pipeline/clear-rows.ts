import { type BytesColumn, type Column, copyArray, type FixedColumn, type RaggedColumn } from '../../records/index.js';

/** A column with zeros or no values in the rows that are marked by 1. What does not change is shared with the given one. */
export function clearRows(column: Column, marked: Uint8Array): Column {
  if (column.layout === 'fixed') return clearFixed(column, marked);
  return column.layout === 'ragged' ? clearRagged(column, marked) : clearBytes(column, marked);
}

function clearFixed(column: FixedColumn, marked: Uint8Array): FixedColumn {
  const width = column.shape.reduce((n, d) => n * d, 1);
  const values = copyArray(column.values);
  const zero = (values instanceof BigInt64Array ? 0n : 0) as never;
  marked.forEach((mark, row) => {
    if (mark === 1) values.fill(zero, row * width, (row + 1) * width);
  });
  return { ...column, values };
}

function clearRagged(column: RaggedColumn, marked: Uint8Array): RaggedColumn {
  const values = copyArray(column.values);
  const offsets = column.offsets.slice();
  let end = 0;
  marked.forEach((mark, row) => {
    const from = column.offsets[row]!;
    const to = column.offsets[row + 1]!;
    if (mark === 0) {
      values.copyWithin(end, from, to);
      end += to - from;
    }
    offsets[row + 1] = end;
  });
  return { ...column, values: values.subarray(0, end), offsets };
}

function clearBytes(column: BytesColumn, marked: Uint8Array): BytesColumn {
  const { shape, rowOffsets } = column;
  const width = shape === 'ragged' ? 0 : shape.reduce((n, d) => n * d, 1);
  const data = copyArray(column.data);
  const offsets = column.offsets.slice();
  const newRows = rowOffsets?.slice();
  let item = 0;
  let end = 0;
  marked.forEach((mark, row) => {
    const first = rowOffsets?.[row] ?? row * width;
    const behind = rowOffsets?.[row + 1] ?? first + width;
    const start = column.offsets[first]!;
    if (mark === 0) {
      data.copyWithin(end, start, column.offsets[behind]!);
      for (let k = first; k < behind; k++) offsets[++item] = end + column.offsets[k + 1]! - start;
      end = offsets[item]!;
    } else if (newRows === undefined) {
      for (let k = first; k < behind; k++) offsets[++item] = end;
    }
    if (newRows !== undefined) newRows[row + 1] = item;
  });
  const cleared = { ...column, data: data.subarray(0, end), offsets: offsets.subarray(0, item + 1) };
  return newRows === undefined ? cleared : { ...cleared, rowOffsets: newRows };
}

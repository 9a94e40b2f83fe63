import type { Batch, BytesColumn, Column, FixedColumn } from '../../src/records/batch.js';
import { KernelColumns } from '../../src/records/kernel/columns.js';
import { Kernel } from '../../src/records/kernel/kernel.js';
import { type Feature, type Schema, widthOf } from '../../src/records/schema.js';

export type Cell = number | bigint | Uint8Array;
/** A row of one column: null, or its values. */
export type Row = readonly Cell[] | null;

const utf8 = new TextEncoder();
export const text = (s: string): Uint8Array => utf8.encode(s);

/** A batch out of rows, given column by column. */
export function toBatch(schema: Schema, rows: readonly (readonly Row[])[]): Batch {
  const size = rows[0]?.length ?? 0;
  const columns = Object.fromEntries(schema.features.map((f, i) => [f.name, toColumn(f, rows[i]!)]));
  return { size, columns, mask: new Uint8Array(size).fill(1) };
}

function toColumn(feature: Feature, rows: readonly Row[]): Column {
  const width = widthOf(feature);
  const validity = new Uint8Array((rows.length + 7) >> 3);
  rows.forEach((row, i) => {
    if (row !== null) validity[i >> 3]! |= 1 << (i & 7);
  });
  const rowOffsets = new Int32Array(rows.length + 1);
  const cells: Cell[] = [];
  const zero = feature.kind === 'bytes' ? new Uint8Array(0) : feature.kind === 'int64' ? 0n : 0;
  rows.forEach((row, i) => {
    cells.push(...(row ?? new Array<Cell>(Math.max(width, 0)).fill(zero)));
    rowOffsets[i + 1] = cells.length;
  });
  if (feature.kind === 'bytes') {
    const offsets = new Int32Array(cells.length + 1);
    cells.forEach((cell, i) => {
      offsets[i + 1] = offsets[i]! + (cell as Uint8Array).length;
    });
    const data = new Uint8Array(offsets.at(-1)!);
    cells.forEach((cell, i) => {
      data.set(cell as Uint8Array, offsets[i]);
    });
    const column: BytesColumn = { layout: 'bytes', data, offsets, shape: feature.shape, validity };
    return width < 0 ? { ...column, rowOffsets } : column;
  }
  const values =
    feature.kind === 'float' ? Float32Array.from(cells as number[]) : BigInt64Array.from(cells as bigint[]);
  if (feature.shape === 'ragged') return { layout: 'ragged', values, offsets: rowOffsets, validity };
  return { layout: 'fixed', values, shape: feature.shape, validity };
}

/** One column of numbers without missing rows. */
export function fixed(values: FixedColumn['values']): FixedColumn {
  return { layout: 'fixed', values, shape: [] };
}

/** One column of bytes without missing rows. */
export function bytesColumn(items: readonly Uint8Array[]): BytesColumn {
  return toColumn(
    { name: '', kind: 'bytes', shape: [] },
    items.map((item) => [item]),
  ) as BytesColumn;
}

export function kernelColumns(schema: Schema, capacity: number): KernelColumns {
  return new KernelColumns(new Kernel(), schema, capacity);
}

import type { Batch, BytesColumn, Column, Numbers } from './batch.js';
import { type FeatureValues, featureValues, type Row, valueIn } from './row-values.js';
import { type Feature, type Schema, widthOf } from './schema.js';

/**
 * Rows as objects to columns. A missing value becomes the feature's default, else null. An int64 column is a
 * BigInt64Array, exact over its whole range.
 * @throws SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_RANGE naming the feature
 */
export function rowsToBatch(rows: readonly Row[], schema: Schema): Batch {
  const columns = schema.features.map((feature): [string, Column] => {
    const values = rows.map((row) => featureValues(feature, valueIn(row, feature.name)));
    return [feature.name, feature.kind === 'bytes' ? bytesColumn(feature, values) : numberColumn(feature, values)];
  });
  return { size: rows.length, columns: Object.fromEntries(columns), mask: new Uint8Array(rows.length).fill(1) };
}

type Values = readonly (FeatureValues | undefined)[];

/** How many values each row takes in the column: none for a null in a ragged column, zeros in a fixed one. */
function offsetsOf(feature: Feature, values: Values): Int32Array {
  const width = widthOf(feature);
  const offsets = new Int32Array(values.length + 1);
  values.forEach((row, i) => {
    offsets[i + 1] = offsets[i]! + (width < 0 ? (row?.values.length ?? 0) : width);
  });
  return offsets;
}

function numberColumn(feature: Feature, rows: Values): Column {
  const offsets = offsetsOf(feature, rows);
  const count = offsets[rows.length]!;
  const values: Numbers = feature.kind === 'float' ? new Float32Array(count) : new BigInt64Array(count);
  rows.forEach((row, i) => {
    if (row !== undefined) (values as { set(from: ArrayLike<unknown>, at: number): void }).set(row.values, offsets[i]!);
  });
  const validity = validityOf(rows);
  return feature.shape === 'ragged'
    ? { layout: 'ragged', values, offsets, ...validity }
    : { layout: 'fixed', values, shape: feature.shape, ...validity };
}

function bytesColumn(feature: Feature, rows: Values): BytesColumn {
  const rowOffsets = offsetsOf(feature, rows);
  const items: Uint8Array[] = [];
  rows.forEach((row, i) => {
    if (row?.kind === 'bytes') items.push(...row.values);
    while (items.length < rowOffsets[i + 1]!) items.push(new Uint8Array(0));
  });
  const offsets = new Int32Array(items.length + 1);
  items.forEach((item, i) => {
    offsets[i + 1] = offsets[i]! + item.length;
  });
  const data = new Uint8Array(offsets[items.length]!);
  items.forEach((item, i) => {
    data.set(item, offsets[i]!);
  });
  const column = { layout: 'bytes' as const, data, offsets, shape: feature.shape, ...validityOf(rows) };
  return feature.shape === 'ragged' ? { ...column, rowOffsets } : column;
}

function validityOf(rows: Values): { validity?: Uint8Array } {
  if (!rows.includes(undefined)) return {};
  const validity = new Uint8Array((rows.length + 7) >> 3);
  rows.forEach((row, i) => {
    if (row !== undefined) validity[i >> 3]! |= 1 << (i & 7);
  });
  return { validity };
}

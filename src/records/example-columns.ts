import { ShardfeedError } from '../errors.js';
import { put } from '../own-properties.js';
import type { Batch, Column, Numbers } from './batch.js';
import { type DecodedValue, defaultOf, valuesOf } from './example-object.js';
import { byteKey, parseExample } from './example-parse.js';
import type { Int64As } from './kernel/columns.js';
import { type Feature, type Schema, widthOf } from './schema.js';

/**
 * Decodes Examples into a batch in plain TypeScript: the twin of the kernel's `decodeExamples`, and what it is
 * compared with. A null stands for a lost record: it keeps its row, with defaults and mask 0.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_RANGE
 */
export function decodeColumns(
  payloads: readonly (Uint8Array | null)[],
  schema: Schema,
  options: { int64?: Int64As } = {},
): Batch {
  const keys = schema.features.map((feature) => byteKey(new TextEncoder().encode(feature.name)));
  const wanted = new Set(keys);
  const cells = schema.features.map(() => [] as (readonly DecodedValue[] | null)[]);
  for (const payload of payloads) {
    const parsed = payload === null ? null : parseExample(payload, (key) => wanted.has(key));
    schema.features.forEach((feature, i) => {
      cells[i]!.push(parsed === null ? blank(feature) : valuesOf(feature, parsed.get(keys[i]!)));
    });
  }
  const columns: Record<string, Column> = {};
  schema.features.forEach((feature, i) => {
    put(columns, feature.name, toColumn(feature, cells[i]!, options.int64 ?? 'number'));
  });
  const mask = Uint8Array.from(payloads, (payload) => (payload === null ? 0 : 1));
  return { size: payloads.length, columns, mask };
}

/** What stands in the row of a lost record. */
function blank(feature: Feature): readonly DecodedValue[] | null {
  if (feature.default !== undefined) return defaultOf(feature);
  return feature.nullable ? null : zeros(feature);
}

function zeros(feature: Feature): DecodedValue[] {
  return new Array<DecodedValue>(Math.max(0, widthOf(feature))).fill(feature.kind === 'bytes' ? new Uint8Array(0) : 0);
}

/** Builds one column from the values of each row; null rows hold zeros (fixed) or nothing (ragged). */
export function toColumn(feature: Feature, cells: readonly (readonly DecodedValue[] | null)[], int64: Int64As): Column {
  const rows = cells.map((cell) => cell ?? zeros(feature));
  const items = rows.flat();
  const some = cells.includes(null) ? { validity: bitmap(cells) } : {};
  const rowOffsets = offsetsOf(rows.map((row) => row.length));
  if (feature.kind === 'bytes') {
    const list = items as Uint8Array[];
    const offsets = offsetsOf(list.map((item) => item.length));
    const data = new Uint8Array(offsets[list.length]!);
    list.forEach((item, k) => {
      data.set(item, offsets[k]!);
    });
    const column = { layout: 'bytes', data, offsets, shape: feature.shape, ...some } as const;
    return feature.shape === 'ragged' ? { ...column, rowOffsets } : column;
  }
  const values = toNumbers(feature, items as (number | bigint)[], int64);
  if (feature.shape === 'ragged') return { layout: 'ragged', values, offsets: rowOffsets, ...some };
  return { layout: 'fixed', values, shape: feature.shape, ...some };
}

function toNumbers(feature: Feature, items: readonly (number | bigint)[], int64: Int64As): Numbers {
  if (feature.kind === 'float') return Float32Array.from(items, Number);
  if (int64 === 'bigint') return BigInt64Array.from(items, BigInt);
  return Float64Array.from(items, (value) => {
    if (typeof value === 'number') return value;
    throw new ShardfeedError(
      'SHARDFEED_RANGE',
      `int64 feature ${JSON.stringify(feature.name)} holds ${value}, beyond 2^53: ask for int64: 'bigint'`,
      { column: feature.name },
    );
  });
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    offsets[i + 1] = offsets[i]! + length;
  });
  return offsets;
}

function bitmap(cells: readonly unknown[]): Uint8Array {
  const bits = new Uint8Array((cells.length + 7) >> 3);
  cells.forEach((cell, i) => {
    if (cell !== null) bits[i >> 3]! |= 1 << (i & 7);
  });
  return bits;
}

import type { BadRow } from '../../../src/convert/csv/bad-row.js';
import { CsvParser } from '../../../src/convert/csv/parser.js';
import type { CsvPlan } from '../../../src/convert/csv/plan.js';
import { parseCsvPlainly, type TwinRow } from '../../../src/convert/csv/twin.js';
import type { Batch, Column } from '../../../src/records/batch.js';
import { isValid } from '../../../src/records/batch.js';
import { Kernel } from '../../../src/records/kernel/kernel.js';
import type { Scalar, Schema } from '../../../src/records/schema.js';
import { widthOf } from '../../../src/records/schema.js';

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));

/** Hands out bytes in pieces of these sizes, the last size again and again. */
export async function* inPieces(bytes: Uint8Array, ...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[Math.min(i, sizes.length - 1)] ?? bytes.length);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** The rows of a batch as lists of values in schema order; int64 as bigint. */
export function rowsOfBatch(batch: Batch, schema: Schema): TwinRow[] {
  return Array.from({ length: batch.size }, (_, row) =>
    schema.features.map((feature) => {
      const column = batch.columns[feature.name]!;
      if (!isValid(column, row)) return null;
      const values = valuesOf(column, row, widthOf(feature));
      return feature.shape !== 'ragged' && feature.shape.length === 0 ? values[0]! : values;
    }),
  );
}

function valuesOf(column: Column, row: number, width: number): Scalar[] {
  const offsets =
    column.layout === 'bytes' ? column.rowOffsets : column.layout === 'ragged' ? column.offsets : undefined;
  const from = offsets === undefined ? row * width : offsets[row]!;
  const to = offsets === undefined ? from + width : offsets[row + 1]!;
  const items = Array.from({ length: to - from }, (_, i) => from + i);
  if (column.layout === 'bytes') return items.map((i) => column.data.slice(column.offsets[i], column.offsets[i + 1]));
  return items.map((i) => column.values[i]!);
}

export interface Outcome {
  rows: TwinRow[];
  bad: BadRow[];
}

/** Everything that the kernel makes of a chunk. */
export function parseAll(
  text: Uint8Array,
  plan: CsvPlan,
  maxRows = 7,
  parser = new CsvParser(new Kernel(), plan, maxRows),
): Outcome {
  const outcome: Outcome = { rows: [], bad: [] };
  parser.load(text);
  for (;;) {
    const { rows, bad } = parser.next();
    outcome.rows.push(...rowsOfBatch(parser.columns.toBatch(rows, { int64: 'bigint' }), plan.schema));
    if (bad !== undefined) outcome.bad.push(bad);
    else if (rows === 0) return outcome;
  }
}

/** Everything that the twin makes of it. */
export function parseAllPlainly(text: Uint8Array, plan: CsvPlan): Outcome {
  const outcome: Outcome = { rows: [], bad: [] };
  for (const row of parseCsvPlainly(text, plan)) {
    if (Array.isArray(row)) outcome.rows.push(row);
    else outcome.bad.push(row as BadRow);
  }
  return outcome;
}

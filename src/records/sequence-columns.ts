import { put } from '../own-properties.js';
import type { Batch, Column } from './batch.js';
import { toColumn } from './example-columns.js';
import { type DecodedValue, valuesOf } from './example-object.js';
import type { ParsedFeature } from './example-parse.js';
import type { Int64As } from './kernel/columns.js';
import type { Feature } from './schema.js';
import { keyOf, type SequenceSchema, stepsOf } from './sequence-example.js';
import { parseSequenceExample } from './sequence-parse.js';

/** A feature list of many sequences: row i has the steps offsets[i] .. offsets[i + 1] of `column`, which has one row a step. */
export interface FeatureListColumn {
  readonly offsets: Int32Array;
  readonly column: Column;
}

/** SequenceExamples as columns. */
export interface SequenceBatch {
  readonly size: number;
  /** The context's features, one row a sequence. */
  readonly context: Batch;
  readonly featureLists: Readonly<Record<string, FeatureListColumn>>;
  readonly mask: Uint8Array;
}

/**
 * Decodes SequenceExamples into columns; absent features, lists and steps are as `decodeSequenceExample` has them.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_RANGE
 */
export function decodeSequences(
  payloads: readonly Uint8Array[],
  schema: SequenceSchema,
  options: { int64?: Int64As } = {},
): SequenceBatch {
  const { int64 = 'number' } = options;
  const context = schema.context?.features ?? [];
  const lists = schema.featureLists.features;
  const contextKeys = new Set(context.map(keyOf));
  const listKeys = new Set(lists.map(keyOf));
  const parsed = payloads.map((bytes) =>
    parseSequenceExample(bytes, {
      context: (key) => contextKeys.has(key),
      featureList: (key) => listKeys.has(key),
    }),
  );
  const mask = new Uint8Array(payloads.length).fill(1);
  const columns: Record<string, Column> = {};
  for (const feature of context) {
    const key = keyOf(feature);
    const cells = parsed.map((sequence) => valuesOf(feature, sequence.context.get(key)));
    put(columns, feature.name, toColumn(feature, cells, int64));
  }
  const featureLists: Record<string, FeatureListColumn> = {};
  for (const feature of lists) {
    const rows = parsed.map((sequence) => sequence.featureLists.get(keyOf(feature)));
    put(featureLists, feature.name, toListColumn(feature, rows, int64));
  }
  return { size: payloads.length, context: { size: payloads.length, columns, mask }, featureLists, mask };
}

function toListColumn(
  feature: Feature,
  rows: readonly (readonly ParsedFeature[] | undefined)[],
  int64: Int64As,
): FeatureListColumn {
  const offsets = new Int32Array(rows.length + 1);
  const cells: (readonly DecodedValue[] | null)[] = [];
  rows.forEach((row, i) => {
    for (const step of stepsOf(feature, row)) cells.push(step);
    offsets[i + 1] = cells.length;
  });
  return { offsets, column: toColumn(feature, cells, int64) };
}

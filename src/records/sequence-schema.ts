import { concat, encodeFeature, field, mapEntry } from './encode-example.js';
import { keyText } from './example-object.js';
import type { ParsedFeature } from './example-parse.js';
import { FeatureSurvey, twoKinds } from './example-schema.js';
import type { FeatureValues } from './row-values.js';
import type { SequenceSchema } from './sequence-example.js';
import { parseSequenceExample } from './sequence-parse.js';

/**
 * A schema that fits some SequenceExamples, for files that come without one; see `inferRecordSchema`. The shape of a
 * feature list is that of one step.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH for a feature of two kinds
 */
export function inferSequenceSchema(records: Iterable<Uint8Array>): SequenceSchema {
  const context = new FeatureSurvey();
  const lists = new FeatureSurvey();
  for (const record of records) {
    const parsed = parseSequenceExample(record);
    for (const [key, feature] of parsed.context) context.note(key, feature);
    for (const [key, steps] of parsed.featureLists) for (const step of steps) lists.note(key, step);
  }
  return { context: { features: context.features() }, featureLists: { features: lists.features() } };
}

/** Tag of the `features` field of an Example. */
const FEATURES = 0x0a;

/**
 * A SequenceExample as an Example: the context's features, and each feature list as a feature `<name>[]` with the values of
 * all its steps one behind the other.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH for a list of two kinds
 */
export function flattenSequence(record: Uint8Array): Uint8Array {
  const { context, featureLists } = parseSequenceExample(record);
  const entries: Uint8Array[] = [];
  for (const [key, feature] of context) entries.push(mapEntry(keyText(key), encodeFeature(valuesOf(key, [feature]))));
  for (const [key, steps] of featureLists) {
    entries.push(mapEntry(`${keyText(key)}[]`, encodeFeature(valuesOf(key, steps))));
  }
  return field(FEATURES, concat(entries));
}

function valuesOf(key: string, features: readonly ParsedFeature[]): FeatureValues | undefined {
  const kind = features.find((feature) => feature.kind !== undefined)?.kind;
  const other = features.find((feature) => feature.kind !== undefined && feature.kind !== kind)?.kind;
  if (kind !== undefined && other !== undefined) throw twoKinds(key, kind, other);
  const values = features.flatMap((feature) => feature.values);
  if (kind === 'int64') return { kind, values: values.map((value) => BigInt(value as number | bigint)) };
  if (kind === 'float') return { kind, values: values as number[] };
  return kind === undefined ? undefined : { kind, values: values as Uint8Array[] };
}

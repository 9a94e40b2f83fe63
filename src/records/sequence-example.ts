import { ShardfeedError } from '../errors.js';
import { put } from '../own-properties.js';
import { concat, encodeExample, encodeFeature, field, mapEntry } from './encode-example.js';
import { type DecodedValue, decodeFeatures, keyText, plain, shaped, valuesOf } from './example-object.js';
import { byteKey, type ParsedFeature } from './example-parse.js';
import { type FeatureValues, featureValues, guessValues, type Row } from './row-values.js';
import type { Feature, Schema } from './schema.js';
import { parseSequenceExample } from './sequence-parse.js';

/** What a SequenceExample holds. A feature list's shape is that of one step. */
export interface SequenceSchema {
  readonly context?: Schema;
  readonly featureLists: Schema;
}

/** A SequenceExample to write: features of the whole, and lists with a value (or an array of values) for each step. */
export interface SequenceRow {
  readonly context?: Row;
  readonly featureLists: Readonly<Record<string, readonly unknown[]>>;
}

/** A decoded SequenceExample; values are as `decodeExample` gives them. */
export interface DecodedSequence {
  readonly context: Record<string, DecodedValue | DecodedValue[] | null>;
  readonly featureLists: Record<string, (DecodedValue | DecodedValue[] | null)[]>;
}

/** Tags of the length-delimited fields of SequenceExample and FeatureList. */
const FEATURE_LISTS = 0x12;
const STEP = 0x0a;

/**
 * One SequenceExample as bytes, features and lists in the order of the schema (without one, of the object). Without a
 * schema a list is float where any of its numbers is no integer. A list that is missing has no key.
 * @throws SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_RANGE naming the feature
 */
export function encodeSequenceExample(row: SequenceRow, schema?: SequenceSchema): Uint8Array {
  const { context = {}, featureLists } = row;
  const contextSchema = schema === undefined ? undefined : (schema.context ?? { features: [] });
  const lists: Uint8Array[] = [];
  if (schema === undefined) {
    for (const [name, steps] of Object.entries(featureLists)) {
      const kind = guessValues(name, steps)?.kind ?? 'bytes';
      lists.push(encodeSteps({ name, kind, shape: 'ragged' }, steps));
    }
  } else {
    for (const feature of schema.featureLists.features) {
      const steps = Object.hasOwn(featureLists, feature.name) ? featureLists[feature.name] : undefined;
      if (steps !== undefined) lists.push(encodeSteps(feature, steps));
    }
  }
  return concat([encodeExample(context, contextSchema), field(FEATURE_LISTS, concat(lists))]);
}

function encodeSteps(feature: Feature, steps: readonly unknown[]): Uint8Array {
  if (!Array.isArray(steps) && !ArrayBuffer.isView(steps)) {
    throw new ShardfeedError(
      'SHARDFEED_SCHEMA_MISMATCH',
      `feature list ${JSON.stringify(feature.name)} is no array of steps`,
      { column: feature.name },
    );
  }
  const values = Array.from(steps, (step): FeatureValues | undefined => featureValues(feature, step));
  return mapEntry(feature.name, concat(values.map((v) => field(STEP, encodeFeature(v)))));
}

/**
 * Decodes one SequenceExample. With a schema it holds the schema's features and lists only. A list that is absent has no
 * steps where the feature is nullable or has a default; a step without a value is the default, else null.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH
 */
export function decodeSequenceExample(bytes: Uint8Array, schema?: SequenceSchema): DecodedSequence {
  if (schema === undefined) {
    const parsed = parseSequenceExample(bytes);
    const context: DecodedSequence['context'] = {};
    for (const [key, value] of parsed.context) put(context, keyText(key), plain(value));
    const featureLists: DecodedSequence['featureLists'] = {};
    for (const [key, steps] of parsed.featureLists) put(featureLists, keyText(key), steps.map(plain));
    return { context, featureLists };
  }
  const contextFeatures = schema.context?.features ?? [];
  const contextKeys = new Set(contextFeatures.map(keyOf));
  const listKeys = new Set(schema.featureLists.features.map(keyOf));
  const parsed = parseSequenceExample(bytes, {
    context: (key) => contextKeys.has(key),
    featureList: (key) => listKeys.has(key),
  });
  const featureLists: DecodedSequence['featureLists'] = {};
  for (const feature of schema.featureLists.features) {
    const steps = stepsOf(feature, parsed.featureLists.get(keyOf(feature)));
    put(
      featureLists,
      feature.name,
      steps.map((values) => shaped(feature, values)),
    );
  }
  return { context: decodeFeatures(contextFeatures, parsed.context), featureLists };
}

/** The values of each step of a list by its schema. @throws SHARDFEED_SCHEMA_MISMATCH */
export function stepsOf(
  feature: Feature,
  parsed: readonly ParsedFeature[] | undefined,
): (readonly DecodedValue[] | null)[] {
  if (parsed !== undefined) return parsed.map((step) => valuesOf(feature, step));
  if (feature.nullable || feature.default !== undefined) return [];
  throw new ShardfeedError(
    'SHARDFEED_SCHEMA_MISMATCH',
    `feature list ${JSON.stringify(feature.name)} is absent: make it nullable in the schema to read it as empty`,
    { column: feature.name },
  );
}

export function keyOf({ name }: Feature): string {
  return byteKey(new TextEncoder().encode(name));
}

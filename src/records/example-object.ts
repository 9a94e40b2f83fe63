import { ShardfeedError } from '../errors.js';
import { put } from '../own-properties.js';
import { byteKey, type ParsedFeature, parseExample } from './example-parse.js';
import { type Feature, type Scalar, type Schema, widthOf } from './schema.js';

/** A decoded value: int64 as number where safe, else bigint; float as number; bytes as Uint8Array. */
export type DecodedValue = number | bigint | Uint8Array;

const utf8 = new TextEncoder();

/**
 * Decodes one Example into an object. Without a schema each feature stands as it is: one value plain, none as `[]`,
 * several as an array. With a schema the object has the schema's features only: a value where the shape is `[]`,
 * else an array (row-major); an absent one is its default, or null where nullable. Bytes are copies.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH
 */
export function decodeExample(
  bytes: Uint8Array,
  schema?: Schema,
): Record<string, DecodedValue | DecodedValue[] | null> {
  if (schema === undefined) {
    const row: Record<string, DecodedValue | DecodedValue[] | null> = {};
    for (const [key, parsed] of parseExample(bytes)) put(row, keyText(key), plain(parsed));
    return row;
  }
  const wanted = new Set(schema.features.map(({ name }) => byteKey(utf8.encode(name))));
  return decodeFeatures(
    schema.features,
    parseExample(bytes, (key) => wanted.has(key)),
  );
}

/** What parsed features are by a schema, in its order. @throws SHARDFEED_SCHEMA_MISMATCH */
export function decodeFeatures(
  features: readonly Feature[],
  parsed: ReadonlyMap<string, ParsedFeature>,
): Record<string, DecodedValue | DecodedValue[] | null> {
  const row: Record<string, DecodedValue | DecodedValue[] | null> = {};
  for (const feature of features) {
    const values = valuesOf(feature, parsed.get(byteKey(utf8.encode(feature.name))));
    put(row, feature.name, shaped(feature, values));
  }
  return row;
}

/** Values as copies: one plain where the shape is `[]`, else an array. */
export function shaped(feature: Feature, values: readonly DecodedValue[] | null): DecodedValue | DecodedValue[] | null {
  const own = values === null ? null : values.map(copyOf);
  return own !== null && feature.shape.length === 0 ? own[0]! : own;
}

/**
 * The values of a feature in a record by its schema: what is there, else the default, else null where nullable.
 * @throws SHARDFEED_SCHEMA_MISMATCH
 */
export function valuesOf(feature: Feature, parsed: ParsedFeature | undefined): readonly DecodedValue[] | null {
  if (parsed?.kind === undefined) return absent(feature);
  const name = JSON.stringify(feature.name);
  if (parsed.kind !== feature.kind) {
    throw mismatch(feature, `feature ${name} holds ${parsed.kind}, the schema wants ${feature.kind}`);
  }
  const width = widthOf(feature);
  if (width >= 0 && parsed.values.length !== width) {
    throw mismatch(feature, `feature ${name} holds ${parsed.values.length} values, the schema wants ${width}`);
  }
  return parsed.values;
}

function absent(feature: Feature): readonly DecodedValue[] | null {
  if (feature.default !== undefined) return defaultOf(feature);
  if (feature.nullable) return null;
  throw mismatch(
    feature,
    `feature ${JSON.stringify(feature.name)} is absent: give it a default or make it nullable in the schema`,
  );
}

/** A feature's default as values, repeated to fill its shape. */
export function defaultOf(feature: Feature): DecodedValue[] {
  const given: readonly Scalar[] = Array.isArray(feature.default) ? feature.default : [feature.default as Scalar];
  const width = widthOf(feature);
  const values = width > 1 && given.length === 1 ? new Array<Scalar>(width).fill(given[0]!) : given;
  return values.map((v) => {
    if (feature.kind === 'bytes') return v instanceof Uint8Array ? v : utf8.encode(String(v));
    if (feature.kind === 'float') return Math.fround(Number(v));
    const int = BigInt(v as number | bigint);
    return Number.isSafeInteger(Number(int)) ? Number(int) : int;
  });
}

function mismatch(feature: Feature, message: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', message, { column: feature.name });
}

/** A byteKey as text. Protobuf strings are UTF-8; parsers of every language refuse others. */
export function keyText(key: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(key, (c) => c.charCodeAt(0)),
    );
  } catch (cause) {
    throw new ShardfeedError('SHARDFEED_MALFORMED_EXAMPLE', 'not a valid Example: a feature name is not UTF-8', {
      cause,
    });
  }
}

/** One value plain, none or several as an array, with copies of bytes. */
export function plain({ values }: ParsedFeature): DecodedValue | DecodedValue[] {
  const own = values.map(copyOf);
  return own.length === 1 ? own[0]! : own;
}

function copyOf(value: DecodedValue): DecodedValue {
  return value instanceof Uint8Array ? value.slice() : value;
}

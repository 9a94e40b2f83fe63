import { ShardfeedError } from '../errors.js';
import { type Feature, type FeatureKind, type Scalar, type Schema, widthOf } from './schema.js';

/** A feature's value in a row object: one value, or any array (nested ones are flattened in row-major order). */
export type Value =
  | Scalar
  | boolean
  | readonly Value[]
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array;

/** A row as an object. A key that is missing, null or undefined is a feature without value; other keys are left alone. */
export type Row = Readonly<Record<string, unknown>>;

/** The values of one feature in one row: bigint for int64, number for float, bytes for bytes. */
export type FeatureValues =
  | { readonly kind: 'int64'; readonly values: readonly bigint[] }
  | { readonly kind: 'float'; readonly values: readonly number[] }
  | { readonly kind: 'bytes'; readonly values: readonly Uint8Array[] };

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const utf8 = new TextEncoder();

/**
 * What a row has for a feature of the schema: the value given, else the feature's default, else undefined.
 * @throws SHARDFEED_SCHEMA_MISMATCH for the wrong kind or number of values, SHARDFEED_RANGE for integers beyond int64 or
 * numbers that are no safe integers
 */
export function featureValues(feature: Feature, value: unknown): FeatureValues | undefined {
  if (value === undefined || value === null) {
    return feature.default === undefined ? undefined : defaultValues(feature);
  }
  const flat = flatten(value);
  const width = widthOf(feature);
  if (width >= 0 && flat.length !== width) {
    throw mismatch(feature.name, `has ${flat.length} values, its shape [${String(feature.shape)}] wants ${width}`);
  }
  return convert(feature.name, feature.kind, flat);
}

/** A feature's default, spread over its shape. */
export function defaultValues(feature: Feature): FeatureValues {
  const given: readonly unknown[] = Array.isArray(feature.default) ? feature.default : [feature.default];
  const width = widthOf(feature);
  return convert(feature.name, feature.kind, width > 1 && given.length === 1 ? Array(width).fill(given[0]) : given);
}

/**
 * What a value is without a schema: integers, bigints and booleans are int64, numbers of which any is no integer are
 * float, strings and Uint8Arrays are bytes. Undefined for an empty list, which has no kind.
 */
export function guessValues(name: string, value: unknown): FeatureValues | undefined {
  const flat = flatten(value);
  if (flat.length === 0) return undefined;
  const isFloats = value instanceof Float32Array || value instanceof Float64Array;
  const kind = isFloats || flat.some((v) => typeof v === 'number' && !Number.isInteger(v)) ? 'float' : kindOf(flat[0]);
  if (kind === undefined) throw mismatch(name, `holds ${shown(flat[0])}: expected numbers, strings or bytes`);
  return convert(name, kind, flat);
}

/** The schema's features and what the row has for them, in schema order; without a schema the row's own keys. */
export function* rowFeatures(row: Row, schema?: Schema): Generator<[name: string, FeatureValues | undefined]> {
  if (schema === undefined) {
    for (const [name, value] of Object.entries(row)) {
      if (value !== undefined && value !== null) yield [name, guessValues(name, value)];
    }
    return;
  }
  for (const feature of schema.features) {
    const values = featureValues(feature, valueIn(row, feature.name));
    if (values !== undefined) yield [feature.name, values];
  }
}

/** What a row has under a name; what every object inherits, such as `constructor`, is not meant. */
export function valueIn(row: Row, name: string): unknown {
  return name in Object.prototype && !Object.hasOwn(row, name) ? undefined : row[name];
}

function kindOf(value: unknown): FeatureKind | undefined {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return 'int64';
  return typeof value === 'string' || value instanceof Uint8Array ? 'bytes' : undefined;
}

function flatten(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.some(Array.isArray) ? value.flat(Number.POSITIVE_INFINITY) : value;
  if (value instanceof Uint8Array) return [value];
  if (ArrayBuffer.isView(value) && Symbol.iterator in value) return [...(value as unknown as Iterable<unknown>)];
  return [value];
}

function convert(name: string, kind: FeatureKind, flat: readonly unknown[]): FeatureValues {
  switch (kind) {
    case 'int64':
      return { kind, values: flat.map((value) => toInt64(name, value)) };
    case 'float':
      return { kind, values: flat.map((value) => toFloat(name, value)) };
    case 'bytes':
      return { kind, values: flat.map((value) => toBytes(name, value)) };
  }
}

function toInt64(name: string, value: unknown): bigint {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'bigint') {
    if (value < INT64_MIN || value > INT64_MAX) throw range(name, `holds ${value}, which is beyond int64`);
    return value;
  }
  if (typeof value !== 'number') throw mismatch(name, `holds ${shown(value)}: expected an int64`);
  if (Number.isSafeInteger(value)) return BigInt(value);
  if (Number.isInteger(value)) throw range(name, `holds ${value}, which is no safe integer: give it as a bigint`);
  throw mismatch(name, `holds ${value}: expected an int64`);
}

function toFloat(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  throw mismatch(name, `holds ${shown(value)}: expected a float`);
}

function toBytes(name: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return utf8.encode(value);
  throw mismatch(name, `holds ${shown(value)}: expected a string or Uint8Array`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function mismatch(name: string, what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', `feature ${JSON.stringify(name)} ${what}`, { column: name });
}
function range(name: string, what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_RANGE', `feature ${JSON.stringify(name)} ${what}`, { column: name });
}

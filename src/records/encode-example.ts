import { type FeatureValues, type Row, rowFeatures } from './row-values.js';
import type { Schema } from './schema.js';

/** Field numbers of tensorflow/core/example/feature.proto as tags of length-delimited fields. */
const FEATURES = 0x0a;
const ENTRY = 0x0a;
const KEY = 0x0a;
const FEATURE = 0x12;
const LIST = { bytes: 0x0a, float: 0x12, int64: 0x1a } as const;
const VALUES = 0x0a;

const utf8 = new TextEncoder();

/**
 * One row as the bytes of a tf.train.Example, as TensorFlow serialises them deterministically, with the features in schema
 * order (without a schema in the order of the row's keys: integers, bigints and booleans become int64, other numbers
 * float, strings and Uint8Arrays bytes). A feature without value and default has no key. Keys that the schema does not
 * know are left out.
 * @throws SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_RANGE naming the feature
 */
export function encodeExample(row: Row, schema?: Schema): Uint8Array {
  const entries: Uint8Array[] = [];
  for (const [name, values] of rowFeatures(row, schema)) {
    entries.push(mapEntry(name, encodeFeature(values)));
  }
  return field(FEATURES, concat(entries));
}

/** The bytes of a tf.train.Feature; empty where there is no value. */
export function encodeFeature(values: FeatureValues | undefined): Uint8Array {
  return values === undefined ? new Uint8Array(0) : field(LIST[values.kind], encodeList(values));
}

/** An entry of a protobuf map from string to message, as a field of the message that holds the map. */
export function mapEntry(key: string, value: Uint8Array): Uint8Array {
  return field(ENTRY, concat([field(KEY, utf8.encode(key)), field(FEATURE, value)]));
}

function encodeList(list: FeatureValues): Uint8Array {
  switch (list.kind) {
    case 'bytes':
      return concat(list.values.map((value) => field(VALUES, value)));
    case 'float': {
      const packed = new DataView(new ArrayBuffer(4 * list.values.length));
      list.values.forEach((value, i) => {
        packed.setFloat32(4 * i, value, true);
      });
      return packedField(new Uint8Array(packed.buffer));
    }
    case 'int64':
      return packedField(concat(list.values.map((value) => varint(BigInt.asUintN(64, value)))));
  }
}

/** A packed list without values is not written at all. */
function packedField(packed: Uint8Array): Uint8Array {
  return packed.length === 0 ? packed : field(VALUES, packed);
}

/** A length-delimited field. */
export function field(tag: number, content: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(tag), varint(BigInt(content.length)), content]);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  bytes.push(Number(value));
  return Uint8Array.from(bytes);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

import type { FeatureKind } from './schema.js';
import { Wire, WireReader } from './wire.js';

/**
 * A `tf.train.Feature` as parsed. `kind` is undefined for a Feature without a list, which counts as absent. int64 values
 * are numbers where safe, else bigints; bytes are views of the input.
 */
export interface ParsedFeature {
  readonly kind: FeatureKind | undefined;
  readonly values: readonly (number | bigint | Uint8Array)[];
}

const KIND_OF_FIELD = [undefined, 'bytes', 'float', 'int64'] as const;

/** A key's bytes as a string, one character a byte: keys are compared as bytes, whether they are UTF-8 or not. */
export function byteKey(bytes: Uint8Array): string {
  let key = '';
  for (const byte of bytes) key += String.fromCharCode(byte);
  return key;
}

/**
 * Parses an Example (https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/example.proto) as
 * protobuf does: repeated messages merge, of repeated map keys the last wins, unknown fields are skipped. Features
 * whose {@link byteKey} `wants` declines are skipped unlooked. The result is keyed by byteKey.
 * @throws SHARDFEED_MALFORMED_EXAMPLE
 */
export function parseExample(bytes: Uint8Array, wants?: (key: string) => boolean): Map<string, ParsedFeature> {
  const reader = new WireReader(bytes);
  const features = new Map<string, ParsedFeature>();
  eachField(reader, bytes.length, (field, end) => {
    if (field !== 1) return false;
    parseFeatures(reader, end, features, wants);
    return true;
  });
  return features;
}

/** Parses a Features message from the reader's position to `end` into `into`. */
export function parseFeatures(
  reader: WireReader,
  end: number,
  into: Map<string, ParsedFeature>,
  wants?: (key: string) => boolean,
): void {
  eachField(reader, end, (field, entryEnd) => {
    if (field !== 1) return false;
    const { key, values } = parseEntry(reader, entryEnd);
    if (wants === undefined || wants(key)) into.set(key, parseValues(reader, values));
    return true;
  });
}

/** A map entry: its last key, and where its values lie (several merge). Leaves the reader at the entry's end. */
export function parseEntry(reader: WireReader, end: number): { key: string; values: [start: number, end: number][] } {
  let key = '';
  const values: [number, number][] = [];
  eachField(reader, end, (field, fieldEnd) => {
    if (field === 1) key = byteKey(reader.bytes.subarray(reader.position, fieldEnd));
    else if (field === 2) values.push([reader.position, fieldEnd]);
    else return false;
    reader.position = fieldEnd;
    return true;
  });
  return { key, values };
}

/** Parses Feature messages that merge to one. Leaves the reader's position as it was. */
export function parseValues(reader: WireReader, ranges: readonly [start: number, end: number][]): ParsedFeature {
  const { position } = reader;
  let kind: FeatureKind | undefined;
  let values: (number | bigint | Uint8Array)[] = [];
  for (const [start, end] of ranges) {
    reader.position = start;
    eachField(reader, end, (field, listEnd) => {
      const next = KIND_OF_FIELD[field];
      if (next === undefined) return false;
      if (next !== kind) values = [];
      kind = next;
      parseList(reader, listEnd, next, values);
      return true;
    });
  }
  reader.position = position;
  return { kind, values };
}

function parseList(reader: WireReader, end: number, kind: FeatureKind, into: (number | bigint | Uint8Array)[]): void {
  while (reader.position < end) {
    reader.tag(end);
    const { field, wireType } = reader;
    if (field === 1 && wireType === Wire.LENGTH) {
      const fieldEnd = reader.length(end);
      if (kind === 'bytes') into.push(reader.bytes.subarray(reader.position, fieldEnd));
      else if (kind === 'int64') parseInts(reader, fieldEnd, into);
      else parseFloats(reader, fieldEnd, into);
      reader.position = fieldEnd;
    } else if (field === 1 && kind === 'int64' && wireType === Wire.VARINT) {
      reader.varint(end);
      into.push(reader.int64());
    } else if (field === 1 && kind === 'float' && wireType === Wire.FIXED32) {
      const at = reader.position;
      reader.skip(end);
      into.push(reader.view.getFloat32(at, true));
    } else {
      reader.skip(end);
    }
  }
}

function parseInts(reader: WireReader, end: number, into: (number | bigint | Uint8Array)[]): void {
  while (reader.position < end) {
    reader.varint(end);
    into.push(reader.int64());
  }
}

function parseFloats(reader: WireReader, end: number, into: (number | bigint | Uint8Array)[]): void {
  if ((end - reader.position) % 4 !== 0) throw reader.malformed('packed floats do not fill their length');
  for (let at = reader.position; at < end; at += 4) into.push(reader.view.getFloat32(at, true));
}

/**
 * Reads fields up to `end`. `take` gets each length-delimited field and where it ends, and either reads it up to there
 * or returns false; what it declines and every other field is skipped.
 */
export function eachField(reader: WireReader, end: number, take: (field: number, end: number) => boolean): void {
  while (reader.position < end) {
    reader.tag(end);
    if (reader.wireType !== Wire.LENGTH) {
      reader.skip(end);
      continue;
    }
    const { field } = reader;
    const fieldEnd = reader.length(end);
    if (!take(field, fieldEnd)) reader.position = fieldEnd;
  }
}

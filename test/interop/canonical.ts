import type { Batch, DecodedValue, Feature, Schema } from '../../src/records/index.js';
import { cellOf } from '../../src/records/index.js';
import type { CanonicalExample, CanonicalFeature } from './tensorflow.js';

type Kind = Exclude<CanonicalFeature[0], 'none'>;

/** One value in the form that tensorflow_side.py describes. */
export function canonicalValue(kind: Kind, value: DecodedValue): string {
  if (kind === 'int64') return String(value);
  if (kind === 'bytes') return Buffer.from(value as Uint8Array).toString('base64');
  if (Number.isNaN(value)) return 'nan';
  const bits = Buffer.alloc(4);
  bits.writeFloatBE(value as number);
  return bits.toString('hex');
}

/** What decodeExample gives for a record without a schema: one value plain, several as an array, none as []. */
export function plainObject(example: CanonicalExample): Record<string, DecodedValue | DecodedValue[]> {
  const row: Record<string, DecodedValue | DecodedValue[]> = {};
  for (const [name, [kind, texts]] of Object.entries(example)) {
    const values = texts.map((text) => parseValue(kind as Kind, text));
    row[name] = values.length === 1 ? values[0]! : values;
  }
  return row;
}

function parseValue(kind: Kind, text: string): DecodedValue {
  if (kind === 'bytes') return new Uint8Array(Buffer.from(text, 'base64'));
  if (kind === 'float') return text === 'nan' ? Number.NaN : Buffer.from(text, 'hex').readFloatBE();
  const value = BigInt(text);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** The schema of one record, every feature ragged; features without a kind are left out. */
export function schemaOf(example: CanonicalExample): Schema {
  const features = Object.entries(example).flatMap(([name, [kind]]): Feature[] =>
    kind === 'none' ? [] : [{ name, kind, shape: 'ragged' }],
  );
  return { features };
}

/** A record's features by its schema, canonical. */
export function canonicalRow(schema: Schema, row: Readonly<Record<string, unknown>>): CanonicalExample {
  const example: CanonicalExample = {};
  for (const { name, kind } of schema.features) {
    const given = row[name] as DecodedValue | DecodedValue[] | null | undefined;
    if (given === null || given === undefined) continue;
    const values = Array.isArray(given) ? given : [given];
    example[name] = [kind, values.map((value) => canonicalValue(kind, value))];
  }
  return example;
}

/** The rows of a batch, canonical; null cells are left out. */
export function canonicalBatch(schema: Schema, batch: Batch): CanonicalExample[] {
  return Array.from({ length: batch.size }, (_, i) =>
    canonicalRow(
      schema,
      Object.fromEntries(schema.features.map(({ name }) => [name, cellOf(batch.columns[name]!, i)])),
    ),
  );
}

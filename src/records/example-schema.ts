import { ShardfeedError } from '../errors.js';
import { keyText } from './example-object.js';
import { type ParsedFeature, parseExample } from './example-parse.js';
import type { Feature, Schema } from './schema.js';

interface Seen {
  kind: Feature['kind'] | undefined;
  least: number;
  most: number;
}

/**
 * A schema that fits some Examples, for files that come without one: the kind of each feature, and its shape where all
 * records have the same number of values (`[]` for one), else ragged. A sample cannot tell whether a feature is
 * in every record, so all of them are nullable.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH for a feature of two kinds or where none has values
 */
export function inferRecordSchema(examples: Iterable<Uint8Array>): Schema {
  const seen = new Map<string, Seen>();
  for (const example of examples) for (const [key, parsed] of parseExample(example)) note(seen, key, parsed);
  const features: Feature[] = [];
  for (const [key, { kind, least, most }] of seen) {
    if (kind === undefined || key === '') continue;
    const shape = least !== most || most === 0 ? 'ragged' : most === 1 ? [] : [most];
    features.push({ name: keyText(key), kind, shape, nullable: true });
  }
  if (features.length > 0) return { features };
  throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', 'the records hold no features: give a schema');
}

function note(all: Map<string, Seen>, key: string, { kind, values }: ParsedFeature): void {
  const seen = all.get(key) ?? { kind, least: Number.POSITIVE_INFINITY, most: 0 };
  all.set(key, seen);
  if (kind === undefined) return;
  if (seen.kind !== undefined && seen.kind !== kind) {
    const name = keyText(key);
    throw new ShardfeedError(
      'SHARDFEED_SCHEMA_MISMATCH',
      `feature ${JSON.stringify(name)} holds ${seen.kind} in one record and ${kind} in another: give a schema`,
      { column: name },
    );
  }
  seen.kind = kind;
  seen.least = Math.min(seen.least, values.length);
  seen.most = Math.max(seen.most, values.length);
}

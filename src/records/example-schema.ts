import { ShardfeedError } from '../errors.js';
import { keyText } from './example-object.js';
import { type ParsedFeature, parseExample } from './example-parse.js';
import type { Feature, Schema } from './schema.js';

interface Seen {
  kind: Feature['kind'] | undefined;
  least: number;
  most: number;
}

/** Collects what features hold over many records. */
export class FeatureSurvey {
  readonly #seen = new Map<string, Seen>();

  /** Takes one feature of one record; `key` is its byteKey. @throws SHARDFEED_SCHEMA_MISMATCH for a second kind */
  note(key: string, { kind, values }: ParsedFeature): void {
    const seen = this.#seen.get(key) ?? { kind, least: Number.POSITIVE_INFINITY, most: 0 };
    this.#seen.set(key, seen);
    if (kind === undefined) return;
    if (seen.kind !== undefined && seen.kind !== kind) throw twoKinds(key, seen.kind, kind);
    seen.kind = kind;
    seen.least = Math.min(seen.least, values.length);
    seen.most = Math.max(seen.most, values.length);
  }

  /** In the order of appearance, without those that never had a value. */
  features(): Feature[] {
    const features: Feature[] = [];
    for (const [key, { kind, least, most }] of this.#seen) {
      if (kind === undefined || key === '') continue;
      const shape = least !== most || most === 0 ? 'ragged' : most === 1 ? [] : [most];
      features.push({ name: keyText(key), kind, shape, nullable: true });
    }
    return features;
  }
}

/** The error for a feature that holds values of two kinds. */
export function twoKinds(key: string, one: Feature['kind'], other: Feature['kind']): ShardfeedError {
  const name = keyText(key);
  return new ShardfeedError(
    'SHARDFEED_SCHEMA_MISMATCH',
    `feature ${JSON.stringify(name)} holds ${one} in one record and ${other} in another: give a schema`,
    { column: name },
  );
}

/**
 * A schema that fits some Examples, for files that come without one: the kind of each feature, and its shape where all
 * records have the same number of values (`[]` for one), else ragged. A sample cannot tell whether a feature is
 * in every record, so all of them are nullable.
 * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH for a feature of two kinds or where none has values
 */
export function inferRecordSchema(examples: Iterable<Uint8Array>): Schema {
  const survey = new FeatureSurvey();
  for (const example of examples) for (const [key, parsed] of parseExample(example)) survey.note(key, parsed);
  const features = survey.features();
  if (features.length > 0) return { features };
  throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', 'the records hold no features: give a schema');
}

import { ShardfeedError } from '../../errors.js';
import type { Batch, Column } from '../../records/batch.js';
import type { Schema } from '../../records/schema.js';

/** Names of the columns that are labels: not known of a schema that is no literal. */
type Labels<S extends Schema> = NonNullable<S['labels']>[number];

/** A batch as training takes it. */
export interface LabelledBatch<S extends Schema = Schema, B extends Batch = Batch> {
  readonly size: number;
  readonly features: string extends Labels<S> ? B['columns'] : Omit<B['columns'], Labels<S>>;
  readonly labels: string extends Labels<S> ? B['columns'] : Pick<B['columns'], Labels<S> & keyof B['columns']>;
  /** One byte a row: the weight of its loss. */
  readonly mask: Uint8Array;
}

/**
 * Parts a batch's columns into those that the schema calls labels (the `outputs` of a model spec) and all others.
 * @throws SHARDFEED_USAGE for a schema without labels, SHARDFEED_SCHEMA_MISMATCH where a label is not in the batch
 */
export function splitLabels<S extends Schema, B extends Batch>(batch: B, schema: S): LabelledBatch<S, B> {
  const names = schema.labels ?? [];
  if (names.length === 0) {
    throw new ShardfeedError('SHARDFEED_USAGE', 'the schema names no labels: give it some, such as labels: ["y"]');
  }
  const missing = names.find((name) => !(name in batch.columns));
  if (missing !== undefined) {
    const what = `label ${JSON.stringify(missing)} is not in the batch, which has ${Object.keys(batch.columns).join(', ')}`;
    throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', what, { column: missing });
  }
  const some = (labels: boolean): Record<string, Column> =>
    Object.fromEntries(Object.entries(batch.columns).filter(([name]) => names.includes(name) === labels));
  const { size, mask } = batch;
  return { size, features: some(false), labels: some(true), mask } as LabelledBatch<S, B>;
}

import type { Schema, SequenceSchema } from '../records/index.js';
import type { Session } from './session.js';

/** What TFRecord files hold. */
export type RecordSchema = { readonly schema: Schema } | { readonly sequence: SequenceSchema };

/**
 * The schema of TFRecord files: their manifest's, else what the first records show. Undefined where the input is no
 * TFRecords, or standard input.
 */
export async function recordSchema(
  input: readonly string[] | AsyncIterable<Uint8Array>,
  format: 'csv' | 'tfrecord' | undefined,
  { files, signal }: Session,
): Promise<RecordSchema | undefined> {
  if (format === 'csv' || Symbol.asyncIterator in input) return undefined;
  const { detectFormat, HEAD_BYTES } = await import('../files/index.js');
  const { readWhole, resolveDataset, sampleRecords } = await import('../dataset/index.js');
  const { hasFeatureLists, inferRecordSchema, inferSequenceSchema } = await import('../records/index.js');
  const found = await files.expand(input, { signal });
  if (format === undefined) {
    const head = await readWhole(found[0]!, { signal, end: HEAD_BYTES });
    if (detectFormat(head, found[0]!.path).content !== 'tfrecord') return undefined;
  }
  const { manifest, parts } = await resolveDataset(input, { files, signal, lenient: true });
  if (manifest?.schema !== undefined) return { schema: manifest.schema };
  const sample = await sampleRecords(parts, { signal });
  return sample.some(hasFeatureLists)
    ? { sequence: inferSequenceSchema(sample) }
    : { schema: inferRecordSchema(sample) };
}

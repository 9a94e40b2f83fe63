import { sampleRecords } from '../../dataset/index.js';
import { isShardfeedError } from '../../errors.js';
import type { Location } from '../../files/index.js';
import { hasFeatureLists, inferRecordSchema } from '../../records/index.js';
import type { Schema } from '../../records/schema.js';

/**
 * The schema that the first records fit, for files that come without one.
 * @param look `want` leaves it open for SequenceExamples, and for records that are no Examples or share no schema;
 * `need` does not
 */
export async function lookForSchema(
  parts: readonly Location[],
  look: 'no' | 'want' | 'need',
  signal: AbortSignal | undefined,
): Promise<Schema | undefined> {
  if (look === 'no') return undefined;
  const sample = await sampleRecords(parts, { signal });
  try {
    return look === 'want' && sample.some(hasFeatureLists) ? undefined : inferRecordSchema(sample);
  } catch (error) {
    const open =
      isShardfeedError(error, 'SHARDFEED_SCHEMA_MISMATCH') || isShardfeedError(error, 'SHARDFEED_MALFORMED_EXAMPLE');
    if (look === 'need' || !open) throw error;
    return undefined;
  }
}

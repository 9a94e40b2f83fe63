import type { Location } from '../files/index.js';
import { inferRecordSchema, LossLedger, type Schema } from '../records/index.js';
import { type ReadRecordsOptions, readFileBlocks } from './read-records.js';

/** How many records a schema is told from. */
const SAMPLE_RECORDS = 1000;

/** Copies of the first records, of the first file that has any; corrupt ones are left out. */
export async function sampleRecords(
  files: readonly Location[],
  options: ReadRecordsOptions = {},
): Promise<Uint8Array[]> {
  const policy = new LossLedger('skip');
  for (const file of files) {
    for await (const { bytes, count, offsets, lengths } of readFileBlocks(file, { ...options, policy })) {
      if (count === 0) continue;
      const sample = Math.min(count, SAMPLE_RECORDS);
      return Array.from({ length: sample }, (_, i) => bytes.slice(offsets[i]!, offsets[i]! + lengths[i]!));
    }
  }
  return [];
}

/** The schema that the first records of the files fit; every feature is nullable. @throws SHARDFEED_SCHEMA_MISMATCH */
export async function sampleSchema(files: readonly Location[], options: ReadRecordsOptions = {}): Promise<Schema> {
  return inferRecordSchema(await sampleRecords(files, options));
}

import { isShardfeedError, ShardfeedError } from '../errors.js';
import { displayPath, type Location } from '../files/index.js';
import { inferRecordSchema, LossLedger, type Schema } from '../records/index.js';
import { type ReadRecordsOptions, readFileBlocks } from './read-records.js';

/** How many records of a file a schema is told from. */
const SAMPLE_RECORDS = 1000;
/** How many files, spread evenly from the first to the last. */
const SAMPLE_FILES = 5;

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

/** The first records of a file. */
interface Sample {
  readonly path: string;
  readonly records: readonly Uint8Array[];
}

/**
 * The schema that the first records of five files fit, from the first file to the last; every feature is nullable.
 * @throws SHARDFEED_MALFORMED_EXAMPLE; SHARDFEED_SCHEMA_MISMATCH for a feature of two kinds, naming the files
 */
export async function sampleSchema(files: readonly Location[], options: ReadRecordsOptions = {}): Promise<Schema> {
  const places = Array.from({ length: SAMPLE_FILES }, (_, i) =>
    Math.round((i * (files.length - 1)) / (SAMPLE_FILES - 1)),
  );
  const samples: Sample[] = [];
  for (const file of new Set(places.map((place) => files[place]!))) {
    samples.push({ path: displayPath(file), records: await sampleRecords([file], options) });
  }
  const records = samples.flatMap((sample) => sample.records);
  try {
    return inferRecordSchema(records.length > 0 ? records : await sampleRecords(files, options));
  } catch (error) {
    throw isShardfeedError(error) ? withFiles(error, samples) : error;
  }
}

/** What is wrong with samples, and in which files. */
function withFiles(error: ShardfeedError, samples: readonly Sample[]): ShardfeedError {
  const { column } = error;
  let first: { path: string; kind: string } | undefined;
  for (const { path, records } of samples) {
    const says = (what: string, cause: ShardfeedError) => new ShardfeedError(cause.code, what, { path, column, cause });
    try {
      const kind = inferRecordSchema(records).features.find(({ name }) => name === column)?.kind;
      if (kind === undefined) continue;
      first ??= { path, kind };
      if (kind === first.kind) continue;
      const name = JSON.stringify(column);
      return says(`feature ${name} holds ${first.kind} in ${first.path} and ${kind} in ${path}: give a schema`, error);
    } catch (cause) {
      if (isShardfeedError(cause, error.code) && cause.column === column)
        return says(`${path}: ${cause.message}`, cause);
    }
  }
  return error;
}

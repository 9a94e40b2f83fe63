import type { CallOptions, WithFiles } from '../files/index.js';
import { displayPath } from '../files/index.js';
import {
  type CorruptionPolicy,
  ExampleDecoder,
  flattenSequence,
  hasFeatureLists,
  inferRecordSchema,
  type Loss,
  LossLedger,
  ReaderMemory,
  type Schema,
} from '../records/index.js';
import { C } from '../records/kernel/columns.js';
import { flatBlocks } from './flat-blocks.js';
import { leaveOut } from './read-batches.js';
import { type PartToRead, readPartBlocks, resolveForReading } from './read-records.js';
import { sampleRecords } from './sample-records.js';
import { type PartialStatistics, StatisticsCollector, type StatisticsJson, toStatisticsJson } from './statistics.js';

export interface CollectOptions extends WithFiles {
  /** What the records hold. Default: the manifest's schema, else that of the first records. */
  schema?: Schema;
  /** Read the records even where the manifest has statistics. Default false. */
  recompute?: boolean;
  /** What to do about corrupt records, default `'error'`. Those left out do not count. */
  policy?: CorruptionPolicy;
  onLoss?: (loss: Loss) => void;
  signal?: AbortSignal;
}

export interface CollectedStatistics {
  readonly statistics: StatisticsJson;
  readonly schema: Schema;
  /** The manifest had them, or the records were read. */
  readonly from: 'manifest' | 'records';
}

const BATCH_ROWS = 1024;

/**
 * Statistics of a dataset: those of its manifest, else computed in one pass over all records. A feature list of
 * SequenceExamples counts as a feature `<name>[]` with the values of all its steps.
 * @throws SHARDFEED_NOT_FOUND, SHARDFEED_STALE, SHARDFEED_SCHEMA_MISMATCH, SHARDFEED_MALFORMED_EXAMPLE, and what
 * `readBlocks` throws
 */
export async function collectStatistics(
  source: string | readonly string[],
  options: CollectOptions = {},
): Promise<CollectedStatistics> {
  const { recompute = false, policy = 'error', onLoss, signal } = options;
  const ledger = new LossLedger(policy, onLoss);
  const { parts, manifest } = await resolveForReading(source, ledger, options);
  const listed = manifest?.statistics;
  if (!recompute && options.schema === undefined && listed !== undefined && manifest?.schema !== undefined) {
    return { statistics: listed, schema: manifest.schema, from: 'manifest' };
  }
  const known = options.schema ?? manifest?.schema;
  const there = parts.filter(({ absent }) => absent !== true);
  const sample = known === undefined ? await sampleRecords(there, { signal }) : [];
  const sequences = sample.some(hasFeatureLists);
  const schema = known ?? inferRecordSchema(sequences ? sample.map(flattenSequence) : sample);
  const partial = await collect(parts, schema, sequences, ledger, { signal });
  return { statistics: toStatisticsJson(partial, schema), schema, from: 'records' };
}

async function collect(
  parts: readonly PartToRead[],
  schema: Schema,
  sequences: boolean,
  ledger: LossLedger,
  call: CallOptions,
): Promise<PartialStatistics> {
  const memory = new ReaderMemory();
  const decoder = new ExampleDecoder(schema, {
    kernel: memory.kernel,
    batchSize: BATCH_ROWS,
    ...(ledger.strict ? {} : { onMalformed: (error, record) => leaveOut(ledger, error, record) }),
  });
  const collector = new StatisticsCollector(decoder.columns);
  let ordinal = 0;
  let lost = 0;
  const take = (): void => {
    for (const row of decoder.lostRows) markMissing(decoder, row);
    lost += decoder.lostRows.length;
    collector.update(decoder.rows, ordinal);
    ordinal += decoder.rows;
    decoder.drop();
  };
  for (const part of parts) {
    decoder.path = displayPath(part);
    const blocks = readPartBlocks(part, { ...call, policy: ledger, memory });
    for await (const block of sequences ? flatBlocks(blocks) : blocks) {
      decoder.load(block);
      while (decoder.fill()) take();
      await ledger.flush();
    }
  }
  if (decoder.rows > 0) take();
  return withoutLost(collector.take(), lost);
}

/** Makes a lost row count as nothing but a row with everything missing, which `withoutLost` takes back. */
function markMissing({ columns }: ExampleDecoder, row: number): void {
  columns.schema.features.forEach((_, i) => {
    columns.kernel.u8[columns.get(i, C.VALIDITY) + row] = 0;
  });
}

function withoutLost(partial: PartialStatistics, lost: number): PartialStatistics {
  const columns = partial.columns.map((column) => ({ ...column, missing: column.missing - lost }));
  return { ...partial, rows: partial.rows - lost, columns };
}

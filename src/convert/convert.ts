import { throwIfAborted } from '../errors.js';
import { DatasetCommit, openFiles, SpoolRoom, TemporaryFiles } from '../files/index.js';
import type { Schema } from '../records/schema.js';
import { BadRows } from './job/bad-rows.js';
import { DatasetOutput, type DatasetSummary } from './job/dataset-output.js';
import { runJob } from './job/job.js';
import { openSource } from './job/open-source.js';
import { type AgainBySource, planSink } from './job/plan-sink.js';
import { Quarantine } from './job/quarantine.js';
import { watchSpace } from './job/space.js';
import { type ConvertOptions, checkOptions, wantsStatistics } from './options.js';

export interface ConvertResult {
  /** URI of the dataset. */
  readonly output: string;
  readonly records: number;
  /** Bytes of all part files. */
  readonly bytes: number;
  /** Rows or records left out by `badRows`. */
  readonly badRows: number;
  /** What the records hold; undefined for records that are passed on without a schema. */
  readonly schema: Schema | undefined;
  /** The dataset, or one for each split. */
  readonly datasets: readonly DatasetSummary[];
  readonly seconds: number;
  /** What went otherwise than one may think, though the dataset is as asked. */
  readonly warnings: readonly string[];
}

/**
 * Turns tables into a dataset of TFRecord part files of `tf.train.Example`, with a manifest and an index beside them. The
 * dataset appears complete or not at all; its bytes depend on the input and the options, never on the number of threads.
 * @throws ShardfeedError; `code` tells what, and `path`, `line`, `column` where
 */
export async function convert(options: ConvertOptions): Promise<ConvertResult> {
  const started = performance.now();
  const checked = checkOptions(options);
  const { signal, files = openFiles(), onProgress } = options;
  throwIfAborted(signal);
  const target = files.resolve(checked.output);
  const commit = await DatasetCommit.begin(target, {
    overwrite: checked.overwrite,
    signal,
  });
  const room = new SpoolRoom({ dir: checked.spoolDir, limit: checked.spoolBytes });
  const spool = new TemporaryFiles(room);
  const quarantine =
    checked.badRows === 'quarantine'
      ? new Quarantine(
          files.resolve(checked.quarantine ?? `${checked.output.replace(/\/+$/, '')}.quarantine.jsonl`),
          spool,
        )
      : undefined;
  const badRows = new BadRows(checked, quarantine);
  try {
    const { source, count, threads } = await openSource(options, checked, { files, spool, badRows, quarantine });
    const { schema, totalBytes } = source;
    const plan = planSink(checked, schema, room);
    const output = new DatasetOutput(commit, checked);
    const checkSpace = watchSpace(target, checked.compression === 'none' ? totalBytes : undefined);
    const done = { rows: 0, bytes: 0 };
    const openSink = (again: AgainBySource) => plan.open((...part) => output.openPart(...part), count, again);
    const statistics = schema !== undefined && wantsStatistics(checked, options.spec);
    const outcome = await runJob(source, openSink, {
      threads,
      routing: plan.routing,
      statistics: statistics && output.whole,
      rewritable: target.fs.capabilities.interruptibleWrites ?? false,
      badRows,
      signal,
      onPiece: async (rows, inputBytes, outputBytes) => {
        done.rows += rows;
        done.bytes += inputBytes;
        onProgress?.({ phase: 'convert', ...done, totalBytes });
        await checkSpace(inputBytes, outputBytes);
      },
    });
    throwIfAborted(signal);
    const written = withGaps(schema, outcome.missing);
    const { datasets, left } = await output.finish(
      outcome.parts,
      written,
      statistics && !output.whole ? 'collect' : outcome.statistics,
      signal,
    );
    return {
      output: checked.output,
      records: datasets.reduce((n, d) => n + d.records, 0),
      bytes: datasets.reduce((n, d) => n + d.bytes, 0),
      badRows: badRows.count,
      schema: written,
      datasets,
      seconds: (performance.now() - started) / 1000,
      warnings: [...(source.warnings ?? []), ...left.map(leftover)],
    };
  } catch (error) {
    await commit.abort();
    throwIfAborted(signal);
    throw error;
  } finally {
    await quarantine?.close();
    await spool.close();
  }
}

function leftover(path: string): string {
  return `${path} could not be deleted: the next job there tries again, or delete it yourself`;
}

/** The schema as the records have it: a feature that some of them lack, and that has no default, is nullable. */
function withGaps(schema: Schema | undefined, missing: Uint8Array): Schema | undefined {
  if (schema === undefined) return undefined;
  return { ...schema, features: schema.features.map((f, i) => (missing[i] === 1 ? { ...f, nullable: true } : f)) };
}

import { mapOrdered } from '../../dataset/map-ordered.js';
import {
  type FeatureStatistics,
  mergeStatistics,
  type StatisticsJson,
  toStatisticsJson,
} from '../../dataset/statistics.js';
import { throwIfAborted } from '../../errors.js';
import type { Schema } from '../../records/schema.js';
import type { BadRows } from './bad-rows.js';
import type { ChunkResult, ChunkTask, WorkPlan } from './chunk-work.js';
import { type Compute, convertCompute, withCompute } from './compute.js';
import type { PartSummary } from './part-writer.js';
import type { AgainBySource } from './plan-sink.js';
import { Rerun } from './rerun.js';
import type { Routing } from './routing.js';
import type { Sink } from './sinks.js';
import type { Source, SourcedTask } from './source.js';
import { SpareBuffers } from './spare-buffers.js';

/** Bytes of records to a byte of CSV, until a piece has shown how many they are. */
const FIRST_GROWTH = 4;
const FEATURES_AT_ONCE = 8;

export interface JobOptions {
  /** Worker threads; 0: this one. */
  readonly threads: number;
  readonly routing: Routing;
  /** Collect statistics of all records. */
  readonly statistics: boolean;
  /** Parts may have to be written again: the file system interrupts writes. */
  readonly rewritable: boolean;
  readonly badRows: BadRows;
  readonly signal: AbortSignal | undefined;
  /** Told after each piece: its records, its bytes in the input and as framed records. */
  readonly onPiece: (records: number, inputBytes: number, outputBytes: number) => Promise<void>;
}

export interface JobOutcome {
  /** Parts of each split. */
  readonly parts: PartSummary[][];
  /** One byte a feature: 1 where some record lacks it. */
  readonly missing: Uint8Array;
  readonly statistics: StatisticsJson | undefined;
}

/**
 * Drives a source's pieces through the workers into the sink, in order. The workers start while the sink opens, which is
 * told how it may have records again.
 */
export async function runJob(
  source: Source,
  openSink: (again: AgainBySource) => Promise<Sink>,
  job: JobOptions,
): Promise<JobOutcome> {
  const { signal, routing } = job;
  const plan: WorkPlan = {
    schema: source.schema ?? { features: [] },
    csv: source.csv,
    routing,
    statistics: job.statistics,
  };
  const missing = new Uint8Array(plan.schema.features.length);
  const rerun = job.rewritable && source.again ? new Rerun(source.again.bind(source), plan) : undefined;
  let sink: Sink | undefined;
  try {
    const statistics = await withCompute(convertCompute(plan, job.threads), signal, async (compute) => {
      sink = await openSink(rerun?.again.bind(rerun) ?? (job.rewritable ? 'spool' : 'never'));
      const spare = source.spare ?? new SpareBuffers();
      let growth = FIRST_GROWTH;
      const work = async (piece: SourcedTask): Promise<[SourcedTask, ChunkResult]> => {
        if (piece.task.kind === 'csv') piece.task.room = spare.take(growth * piece.inputBytes);
        return [piece, await compute.run(piece.task)];
      };
      for await (const [piece, result] of mapOrdered(source.tasks(spare), work, compute.width)) {
        throwIfAborted(signal);
        piece.check?.(result);
        for (const bad of result.bad) await job.badRows.take(bad, piece);
        rerun?.note(piece.task.firstRow, result.runs);
        for (const run of result.runs) await compute.aside(sink.add(run));
        result.missing.forEach((flag, i) => {
          if (flag === 1) missing[i] = 1;
        });
        const outputBytes = result.runs.reduce((n, run) => n + run.bytes.length, 0);
        if (piece.task.kind === 'csv') {
          growth = (1.02 * outputBytes) / piece.inputBytes;
          spare.give(piece.task.bytes.buffer as SharedArrayBuffer);
          spare.give(piece.task.room!);
        }
        await job.onPiece(result.records, piece.inputBytes, outputBytes);
      }
      return job.statistics ? await gatherStatistics(compute, plan.schema) : undefined;
    });
    return { parts: await sink!.finish(), missing, statistics };
  } finally {
    await sink?.dispose();
  }
}

/** Brings together what all workers collected, some features at a time: all of it would be some 30 MB a worker. */
async function gatherStatistics(
  compute: Compute<ChunkTask, ChunkResult>,
  schema: Schema,
): Promise<StatisticsJson | undefined> {
  const features: FeatureStatistics[] = [];
  for (let from = 0; ; from += FEATURES_AT_ONCE) {
    const to = from + FEATURES_AT_ONCE;
    const results = await compute.runOnAll({ kind: 'statistics', from, to });
    const partials = results.flatMap((result) => result.statistics ?? []);
    if (partials.length === 0) return undefined;
    const part = { features: schema.features.slice(from, to) };
    const { records, features: some } = toStatisticsJson(partials.reduce(mergeStatistics), part);
    features.push(...some);
    if (to >= schema.features.length) return { records, features };
  }
}

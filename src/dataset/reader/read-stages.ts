import { type CallOptions, Scope } from '../../files/index.js';
import type { Batch, LossLedger, WalkOptions } from '../../records/index.js';
import type { CatalogPart } from '../catalog.js';
import type { Stage } from '../order/index.js';
import { type ReadCounters, zeroCounters } from '../read-counters.js';
import type { ReadingThreads } from './reading-threads.js';
import { runStages } from './run-stages.js';
import type { StageDecoderOptions } from './stage-decoder.js';
import { type PlanPlaces, planStage, type StagePlan } from './stage-plan.js';
import { stageTools } from './stage-tools.js';
import { runInThreads } from './threads.js';

const DEFAULT_PREFETCH = 64 << 20;

export interface ReadStagesOptions extends WalkOptions, CallOptions, Omit<StageDecoderOptions, 'strict'> {
  /** Says what to do about corrupt records, and counts them. */
  ledger: LossLedger;
  /** Most raw bytes that are held beyond the stage in use. Default 64 MiB. */
  prefetchBytes?: number;
  /** How many of which threads read, verify and decode, beside this one. Default: none. Batches do not depend on it. */
  threads?: { readonly count: number; readonly pool: ReadingThreads } | undefined;
  /** Added to while reading. */
  counters?: ReadCounters;
}

/** A batch of a rank. */
export interface StepBatch {
  readonly batch: Batch;
  /** As in `Stage.firstStep`. */
  readonly step: number;
}

/**
 * Executes stages: their batches, in order. Records that are lost under the ledger's policy keep their rows, with mask 0 and
 * defaults, and are reported with the batch in which they count; what only pads is not.
 * @throws SHARDFEED_CORRUPT_RECORD, TRUNCATED, TOO_LARGE, MALFORMED_EXAMPLE, BUDGET, by policy; SCHEMA_MISMATCH, RANGE, CHANGED,
 * NOT_FOUND, STALE, ABORTED
 */
export async function* readStages(
  parts: readonly CatalogPart[],
  places: PlanPlaces,
  stages: Iterable<Stage>,
  options: ReadStagesOptions,
): AsyncGenerator<StepBatch> {
  const { ledger, prefetchBytes = DEFAULT_PREFETCH, threads, counters = zeroCounters(), ...rest } = options;
  const scope = new Scope(rest.signal);
  const call = { signal: scope.signal };
  const plans = plansOf(stages, parts, places, call);
  const reading = { ...rest, strict: ledger.strict, prefetchBytes };
  const batches =
    threads !== undefined
      ? runInThreads(plans, { parts, places, reading, pool: threads.pool, threads: threads.count, counters, scope })
      : runStages(plans, stageTools(parts, places, { ...reading, counters, scope }));
  for await (const { batch, step, losses } of batches) {
    for (const { loss, bytes } of losses) {
      await ledger.quarantine(bytes, loss.offset);
      ledger.report(loss);
    }
    yield { batch, step };
  }
}

async function* plansOf(
  stages: Iterable<Stage>,
  parts: readonly CatalogPart[],
  places: PlanPlaces,
  call: CallOptions,
): AsyncGenerator<StagePlan> {
  for (const stage of stages) yield await planStage(stage, parts, places, call);
}

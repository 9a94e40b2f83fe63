import type { CallOptions } from '../../files/index.js';
import { type Batch, Kernel, type LossLedger, type WalkOptions } from '../../records/index.js';
import type { CatalogPart } from '../catalog.js';
import type { Stage } from '../order/index.js';
import type { PartIndexes } from '../part-indexes.js';
import { type ReadCounters, zeroCounters } from '../read-counters.js';
import { runStages } from './run-stages.js';
import { SlabHeap } from './slab-heap.js';
import { StageDecoder, type StageDecoderOptions } from './stage-decoder.js';
import { StageLoader } from './stage-loader.js';
import { planStage, type StagePlan } from './stage-plan.js';

/** Where the records of parts lie. */
export type Indexes = Pick<PartIndexes, 'get'>;

const DEFAULT_PREFETCH = 64 << 20;

export interface ReadStagesOptions extends WalkOptions, CallOptions, Omit<StageDecoderOptions, 'strict'> {
  /** Says what to do about corrupt records, and counts them. */
  ledger: LossLedger;
  /** Most raw bytes that are held beyond the stage in use. Default 64 MiB. */
  prefetchBytes?: number;
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
  indexes: Indexes,
  stages: Iterable<Stage>,
  options: ReadStagesOptions,
): AsyncGenerator<StepBatch> {
  const { ledger, prefetchBytes = DEFAULT_PREFETCH, counters = zeroCounters(), ...rest } = options;
  const abort = new AbortController();
  const signal = rest.signal === undefined ? abort.signal : AbortSignal.any([rest.signal, abort.signal]);
  const kernel = new Kernel();
  const loader = new StageLoader(kernel, parts, indexes, { ...rest, signal, counters });
  const decoder = new StageDecoder(kernel, parts, { ...rest, strict: ledger.strict });
  const plans = plansOf(stages, parts, indexes, { signal });
  const tools = { loader, decoder, heap: new SlabHeap(kernel), prefetchBytes, counters, abort, signal };
  for await (const { batch, step, losses } of runStages(plans, tools)) {
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
  indexes: Indexes,
  call: CallOptions,
): AsyncGenerator<StagePlan> {
  for (const stage of stages) yield await planStage(stage, parts, indexes, call);
}

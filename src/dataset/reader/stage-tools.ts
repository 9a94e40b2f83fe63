import type { Scope } from '../../files/index.js';
import { Kernel } from '../../records/kernel/kernel.js';
import type { WalkOptions } from '../../records/placed-walk.js';
import type { CatalogPart } from '../catalog.js';
import type { ReadCounters } from '../read-counters.js';
import { JointReads } from './joint-reads.js';
import type { OpenPartTools } from './open-part.js';
import type { StageTools } from './run-stages.js';
import { SlabHeap } from './slab-heap.js';
import { StageDecoder, type StageDecoderOptions } from './stage-decoder.js';
import { StageLoader } from './stage-loader.js';

/** Stages of local files and their columns have room in it, without growth, each of which costs a collector's round. */
const KERNEL_BYTES = 12 << 20;
/** Of the bytes that are held ahead, how many may be of ranges that touch those that come next. */
const JOINT_SHARE = 0.75;

/** How stages are read: plain data, which can be sent to a thread. */
export interface StageReading extends WalkOptions, StageDecoderOptions {
  prefetchBytes: number;
}

export interface StageToolsOptions extends StageReading {
  counters: ReadCounters;
  scope: Scope;
  /** Whose memory is used; another one by default. */
  kernel?: Kernel;
  /** See `StageTools`. */
  plansAhead?: number | undefined;
}

/** Plans made ahead, at most. */
const PLANS = 16;

/** Memory for stages. */
export function stageKernel(): Kernel {
  return new Kernel({}, KERNEL_BYTES);
}

/** What stages are run with. */
export function stageTools(
  parts: readonly CatalogPart[],
  places: Omit<OpenPartTools, 'spare' | 'counters' | 'joint'>,
  { counters, scope, kernel = stageKernel(), plansAhead = PLANS, ...reading }: StageToolsOptions,
): StageTools {
  const { checkCrc, maxRecordBytes, prefetchBytes } = reading;
  const joint = new JointReads(JOINT_SHARE * prefetchBytes);
  return {
    joint,
    loader: new StageLoader(
      kernel,
      parts,
      { ...places, counters, joint },
      { checkCrc, maxRecordBytes, signal: scope.signal },
    ),
    decoder: new StageDecoder(kernel, parts, reading),
    heap: new SlabHeap(kernel),
    prefetchBytes,
    plansAhead,
    borrow: reading.borrow === true,
    counters,
    scope,
  };
}

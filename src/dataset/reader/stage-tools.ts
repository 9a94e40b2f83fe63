import type { Scope } from '../../files/index.js';
import { Kernel, type WalkOptions } from '../../records/index.js';
import type { CatalogPart } from '../catalog.js';
import type { ReadCounters } from '../read-counters.js';
import type { OpenPartTools } from './open-part.js';
import type { StageTools } from './run-stages.js';
import { SlabHeap } from './slab-heap.js';
import { StageDecoder, type StageDecoderOptions } from './stage-decoder.js';
import { StageLoader } from './stage-loader.js';

/** Stages of local files and their columns have room in it, without growth, each of which costs a collector's round. */
const KERNEL_BYTES = 12 << 20;

/** How stages are read: plain data, which can be sent to a thread. */
export interface StageReading extends WalkOptions, StageDecoderOptions {
  prefetchBytes: number;
}

/** What stages are run with, in memory of their own. */
export function stageTools(
  parts: readonly CatalogPart[],
  places: Omit<OpenPartTools, 'spare' | 'counters'>,
  { counters, scope, ...reading }: StageReading & { counters: ReadCounters; scope: Scope },
): StageTools {
  const kernel = new Kernel({}, KERNEL_BYTES);
  const { checkCrc, maxRecordBytes, prefetchBytes } = reading;
  return {
    loader: new StageLoader(kernel, parts, { ...places, counters }, { checkCrc, maxRecordBytes, signal: scope.signal }),
    decoder: new StageDecoder(kernel, parts, reading),
    heap: new SlabHeap(kernel),
    prefetchBytes,
    borrow: reading.borrow === true,
    counters,
    scope,
  };
}

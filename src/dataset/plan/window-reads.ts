import { BlockLanes } from '../order/block-lanes.js';
import { type OrderSpec, rowsOf } from '../order/index.js';
import { Ordinals } from '../order/ordinals.js';
import { epochKey } from '../order/random.js';
import type { RankReads } from './plan.js';
import { periodic, type ReadsInput, recordBytes } from './reads-input.js';

interface LaneReads {
  readonly parts: Uint32Array;
  readonly ranges: number;
  readonly bytes: number;
}

/** What each rank reads of lanes: all of each that it has rows of. Takes time in proportion to blocks + ranks. */
export function windowReads(input: ReadsInput, order: OrderSpec & { kind: 'windows' }): RankReads[] {
  const { counts, records, facts, epoch } = input;
  const { worldSize, globalBatchSize, consumed, steps } = epoch;
  const { lanes } = order;
  const ordinals = new Ordinals(counts);
  const blocks = new BlockLanes(ordinals, order, epochKey(facts.fingerprint, epoch.seed, epoch.epoch));
  const rows = globalBatchSize / lanes;
  const begin = consumed / lanes;
  const end = (lane: number): number => Math.min(blocks.sizeOf(lane), begin + steps * rows);
  const known: (LaneReads | undefined)[] = [];
  const readsOf = (lane: number): LaneReads => {
    known[lane] ??= laneReads(input, blocks, { lane, from: begin, to: end(lane) });
    return known[lane];
  };
  const seenBy = new Uint32Array(counts.length);
  const countUnseen = (parts: Uint32Array, reader: number): number => {
    let unseen = 0;
    for (const part of parts) {
      if (seenBy[part] !== reader) unseen++;
      seenBy[part] = reader;
    }
    return unseen;
  };
  return Array.from({ length: worldSize }, (_, rank) => {
    if (records === 0) return { records: 0, files: 0, ranges: 0, bytes: 0 };
    const { from, to } = rowsOf(rank, worldSize, globalBatchSize);
    const sum = { records: 0, files: 0, ranges: 0, bytes: 0 };
    const first = Math.floor(from / rows);
    const only = (first + 1) * rows >= to;
    for (let lane = first; lane * rows < to; lane++) {
      const reads = readsOf(lane);
      const left = Math.max(0, end(lane) - begin);
      sum.records += periodic(left, rows, Math.max(0, from - lane * rows), Math.min(rows, to - lane * rows));
      sum.ranges += reads.ranges;
      sum.bytes += reads.bytes;
      if (only) sum.files = reads.parts.length;
      else sum.files += countUnseen(reads.parts, rank + 1);
    }
    return { ...sum, bytes: Math.round(sum.bytes) };
  });
}

function laneReads(
  input: ReadsInput,
  blocks: BlockLanes,
  { lane, from, to }: { lane: number; from: number; to: number },
): LaneReads {
  const parts = new Set<number>();
  let ranges = 0;
  let bytes = 0;
  if (from < to) {
    for (const { part, count } of blocks.pieces(lane, from, to)) {
      parts.add(part);
      ranges++;
      bytes += count * recordBytes(input, part);
    }
  }
  return { parts: Uint32Array.from(parts), ranges, bytes };
}

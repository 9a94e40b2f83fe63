import { type NearRanks, type OrderSpec, rowsOf } from '../order/index.js';
import { Ordinals } from '../order/ordinals.js';
import type { RankReads } from './plan.js';
import { type ReadsInput, recordBytes } from './reads-input.js';

/**
 * What each rank reads about of windows where it is given what lies near to it: its share of the blocks, of which those are local
 * that are not too many for it. Records that a step has too many of for a rank are not planned.
 */
export function localReads(
  input: ReadsInput,
  { block }: OrderSpec & { kind: 'windows' },
  near: NearRanks,
): RankReads[] {
  const { counts, records, epoch } = input;
  const { worldSize, globalBatchSize, consumed, steps } = epoch;
  const left = Math.max(0, Math.min(records - consumed, steps * globalBatchSize));
  const ordinals = new Ordinals(counts);
  const owned = Array.from({ length: worldSize }, () => ({
    records: 0,
    bytes: 0,
    ranges: 0,
    parts: new Set<number>(),
  }));
  const total = { bytes: 0, ranges: 0 };
  for (let part = 0; part < counts.length; part++) {
    for (let first = 0; first < counts[part]!; first += block) {
      const size = Math.min(block, counts[part]! - first);
      total.bytes += size * recordBytes(input, part);
      total.ranges++;
      let owner: (typeof owned)[number] | undefined;
      for (const rank of near(ordinals.startOf(part) + first)) {
        if (owner === undefined || owned[rank]!.records < owner.records) owner = owned[rank]!;
      }
      if (owner === undefined) continue;
      owner.records += size;
      owner.bytes += size * recordBytes(input, part);
      owner.ranges++;
      owner.parts.add(part);
    }
  }
  return owned.map((own, rank) => {
    const { from, to } = rowsOf(rank, worldSize, globalBatchSize);
    const share = (to - from) / globalBatchSize;
    const mine = Math.round(left * share);
    const kept = own.records === 0 ? 0 : Math.min(1, (share * records) / own.records);
    const rest = left / Math.max(1, records);
    return {
      records: mine,
      files: own.parts.size,
      ranges: Math.round(total.ranges * share * rest),
      bytes: Math.round(total.bytes * share * rest),
      localBytes: Math.round(own.bytes * kept * rest),
    };
  });
}

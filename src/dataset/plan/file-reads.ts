import { filesOf } from '../epoch-share.js';
import { nearRanks } from '../locality.js';
import { Ordinals } from '../order/index.js';
import type { RankReads } from './plan.js';
import type { ReadsInput } from './reads-input.js';

/** What each rank reads where it has whole files. */
export function fileReads({ facts: { parts }, counts, records, epoch }: ReadsInput): RankReads[] {
  const near = epoch.locality && nearRanks(epoch.locality, counts);
  const ordinals = new Ordinals(counts);
  const { worldSize, globalBatchSize, steps, consumed, order } = epoch;
  if (records === 0) return Array.from({ length: worldSize }, () => ({ records: 0, files: 0, ranges: 0, bytes: 0 }));
  const rows = globalBatchSize / worldSize;
  const done = consumed / worldSize;
  return filesOf({ counts }, epoch).map((share, rank) => {
    let local = 0;
    let mine = 0;
    let bytes = 0;
    let blocks = 0;
    for (const part of share) {
      mine += counts[part]!;
      bytes += parts[part]!.bytes;
      if (near?.(ordinals.startOf(part)).includes(rank)) local += parts[part]!.bytes;
      blocks += order.kind === 'windows' ? Math.ceil(counts[part]! / order.block) : 1;
    }
    const left = Math.max(0, Math.min(mine - done, steps * rows));
    const ranges = order.kind === 'global' ? left : Math.ceil((blocks * left) / mine);
    return {
      records: left,
      files: share.length,
      ranges,
      bytes: Math.round((bytes * left) / mine),
      ...(near && { localBytes: Math.round((local * left) / mine) }),
    };
  });
}

import { rowsOf } from '../order/index.js';
import { LOCAL, REMOTE, WANTED_PER_GAP } from '../reader/stage-plan.js';
import type { RankReads } from './plan.js';
import { periodic, type ReadsInput } from './reads-input.js';

/**
 * What each rank reads of the dataset's own order: its rows of every global batch, and what lies between where that is
 * less than asking again costs. Takes time in proportion to parts + ranks, not to steps.
 */
export function sequentialReads(input: ReadsInput): RankReads[] {
  const { facts, records, epoch } = input;
  const { worldSize, globalBatchSize, consumed, steps } = epoch;
  const left = Math.max(0, Math.min(records - consumed, steps * globalBatchSize));
  const all = facts.parts.reduce((n, part) => n + part.bytes, 0);
  const average = records === 0 ? 0 : all / records;
  const limits = facts.remote ? REMOTE : LOCAL;
  const touched = touchesOf(input, left);
  return Array.from({ length: worldSize }, (_, rank) => {
    const { from, to } = rowsOf(rank, worldSize, globalBatchSize);
    const mine = periodic(left, globalBatchSize, from, to);
    const gap = (globalBatchSize - (to - from)) * average;
    const through = gap <= Math.min(limits.gap, ((to - from) * average) / WANTED_PER_GAP);
    const ranges = through ? touched.files[rank]! : Math.ceil(mine / (to - from)) + touched.cuts[rank]!;
    const bytes = through && mine > 0 ? left * average : mine * average;
    return { records: mine, files: touched.files[rank]!, ranges, bytes: Math.round(bytes) };
  });
}

/** Of each rank: the parts that it has records of, and the ends of parts that cut its rows. */
function touchesOf({ counts, epoch }: ReadsInput, length: number): { files: Float64Array; cuts: Float64Array } {
  const { worldSize, globalBatchSize, consumed } = epoch;
  // Of `files`, first the differences between neighbours.
  const files = new Float64Array(worldSize + 1);
  const cuts = new Float64Array(worldSize);
  const rankOf = (row: number): number => Math.floor(((row + 1) * worldSize - 1) / globalBatchSize);
  let start = -consumed;
  for (const count of counts) {
    const from = Math.max(0, start);
    const to = Math.min(length, start + count);
    start += count;
    if (from >= to) continue;
    const first = rankOf(from % globalBatchSize);
    const last = rankOf((to - 1) % globalBatchSize);
    if (to - from >= globalBatchSize) files[0]! += 1;
    else if (from % globalBatchSize <= (to - 1) % globalBatchSize) {
      files[first]! += 1;
      files[last + 1]! -= 1;
    } else {
      // Around the end of the batch: from its first rank to the end, and from the start to its last; once for a rank in both.
      files[0]! += 1;
      if (last < first) {
        files[last + 1]! -= 1;
        files[first]! += 1;
      }
    }
    const row = to % globalBatchSize;
    if (to < length && row !== rowsOf(rankOf(row), worldSize, globalBatchSize).from) cuts[rankOf(row)]! += 1;
  }
  for (let rank = 1; rank < worldSize; rank++) files[rank]! += files[rank - 1]!;
  return { files, cuts };
}

import { STAGE_BYTES } from '../epoch-share.js';
import { rowsOf } from '../order/index.js';
import type { RankReads } from './plan.js';
import { periodic, type ReadsInput } from './reads-input.js';

/** What a read of any size costs at least, as bytes: a page of the system, or what a remote server sends meanwhile. */
const LEAST_BYTES = { local: 4096, remote: 64 << 10 };

/** What each rank reads where each record comes from anywhere: expected values. */
export function globalReads({ facts, counts, records, epoch }: ReadsInput): RankReads[] {
  const { worldSize, globalBatchSize, consumed, steps } = epoch;
  const left = Math.max(0, Math.min(records - consumed, steps * globalBatchSize));
  const all = facts.parts.reduce((n, part) => n + part.bytes, 0);
  const average = records === 0 ? 0 : all / records;
  const least = facts.remote ? LEAST_BYTES.remote : LEAST_BYTES.local;
  // Held at once: records that lie in one piece are read together.
  const stage = Math.max(1, STAGE_BYTES / Math.max(1, average));
  // Pieces of the dataset, and how many of them the records of a stage lie in, each in any.
  const pieces = Math.max(1, all / least);
  const touched = pieces * (1 - (1 - 1 / pieces) ** Math.min(stage, records));
  const perRecord =
    average >= least
      ? average + least / 2
      : Math.max(average, Math.min(touched * least, all) / Math.min(stage, Math.max(1, records)));
  const holding = counts.reduce((n, count) => n + (count > 0 ? 1 : 0), 0);
  return Array.from({ length: worldSize }, (_, rank) => {
    const { from, to } = rowsOf(rank, worldSize, globalBatchSize);
    const mine = periodic(left, globalBatchSize, from, to);
    return { records: mine, files: Math.min(holding, mine), ranges: mine, bytes: Math.round(mine * perRecord) };
  });
}

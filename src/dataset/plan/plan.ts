import { createHash } from 'node:crypto';
import type { Catalog } from '../catalog.js';
import { type EpochOptions, type ResolvedEpoch, resolveEpoch } from '../epoch-share.js';
import { localityHash, nearRanks } from '../locality.js';
import type { OrderSpec, Tail } from '../order/index.js';
import { isRemote } from '../reader/stage-plan.js';
import { fileReads } from './file-reads.js';
import { globalReads } from './global-reads.js';
import { localReads } from './local-reads.js';
import { sequentialReads } from './sequential-reads.js';
import { windowReads } from './window-reads.js';

export interface PlanOptions extends Omit<EpochOptions, 'rank'> {}

/** What the plan of a dataset wants to know of a part. */
export interface PlannedPart {
  readonly records: number;
  /** Of the stored file. */
  readonly bytes: number;
  /** False for a compressed file that cannot be entered but at its start. Default true. */
  readonly splittable?: boolean;
}

export interface PlanFacts {
  /** In the bytewise order of their names. */
  readonly parts: readonly PlannedPart[];
  readonly fingerprint: string;
  /** Requests cost a round trip to another machine: gaps of up to 1 MiB are read over, else of up to 64 KiB. */
  readonly remote: boolean;
}

export function planFactsOf({ parts, fingerprint }: Pick<Catalog, 'parts' | 'fingerprint'>): PlanFacts {
  return { parts, fingerprint, remote: parts.some(isRemote) };
}

/** A plan that reads more than so many times the bytes is an accident, more often than not. */
export const MOST_AMPLIFICATION = 2;

/** What one rank does in the steps that are left. */
export interface RankPlan {
  readonly rank: number;
  /** Rows in each step. */
  readonly rowsPerStep: number;
  /** Records that it delivers; the other rows are padding. */
  readonly records: number;
  /** Part files that it reads from, at most. */
  readonly files: number;
  /** Stretches of files that it reads, about. */
  readonly ranges: number;
  /** Stored bytes that it reads, about. */
  readonly bytes: number;
  /** Of these, those that lie on the rank's own host; absent where nothing is known of that. */
  readonly localBytes?: number;
}

/** Who reads what in an epoch, and what that costs; known before anything is read. */
export interface Plan {
  /** `'file'`: whole files for each rank; `'record'`: each step's rows are shared out. */
  readonly mode: 'record' | 'file';
  /** Why this mode, and what it costs. */
  readonly why: string;
  readonly records: number;
  readonly files: number;
  readonly worldSize: number;
  readonly globalBatchSize: number;
  readonly tail: Tail;
  readonly order: OrderSpec;
  readonly seed: number;
  readonly epoch: number;
  /** Steps of every rank. */
  readonly steps: number;
  /** Rows of padding, over all ranks. */
  readonly padded: number;
  /** Records that no step delivers, as the tail is dropped. */
  readonly dropped: number;
  /** Stored bytes that all ranks read / those of the records that they deliver. */
  readonly amplification: number;
  readonly ranks: readonly RankPlan[];
  /** What a user should know before starting. */
  readonly notes: readonly string[];
  /** Of all that decides who reads what: equal plans have equal hashes. */
  readonly hash: string;
}

export type RankReads = Pick<RankPlan, 'records' | 'files' | 'ranges' | 'bytes' | 'localBytes'>;

/** @throws SHARDFEED_USAGE, SHARDFEED_POSITION */
export function makePlan(facts: PlanFacts, options: PlanOptions): Plan {
  const { parts, fingerprint } = facts;
  const counts = Float64Array.from(parts, (part) => part.records);
  const records = counts.reduce((a, b) => a + b, 0);
  const bytes = parts.reduce((n, part) => n + part.bytes, 0);
  const epoch = resolveEpoch({ counts, bytes, fingerprint }, options);
  const { worldSize, globalBatchSize, tail, order, seed, steps, sharding, consumed, locality } = epoch;
  const input = { facts, counts, records, epoch };
  const reads =
    sharding.mode === 'file'
      ? fileReads(input)
      : order.kind === 'windows'
        ? locality === undefined
          ? windowReads(input, order)
          : localReads(input, order, nearRanks(locality, counts))
        : order.kind === 'global'
          ? globalReads(input)
          : sequentialReads(input);
  const ranks = reads.map((read, rank) => ({
    rank,
    rowsPerStep: rowsPerStep(rank, worldSize, globalBatchSize),
    ...read,
  }));
  const delivered = ranks.reduce((n, rank) => n + rank.records, 0);
  const read = ranks.reduce((n, rank) => n + rank.bytes, 0);
  const amplification = delivered === 0 ? 1 : read / ((bytes * delivered) / records);
  const { consumed: _, lost: __, locality: ___, ...decides } = epoch;
  return {
    mode: sharding.mode,
    why: whyOf(sharding.mode, worldSize, amplification),
    records,
    files: parts.length,
    worldSize,
    globalBatchSize,
    tail,
    order,
    seed,
    epoch: epoch.epoch,
    steps,
    padded: steps * globalBatchSize - delivered,
    dropped: Math.max(0, records - consumed - delivered),
    amplification,
    ranks,
    notes: notesOf(facts, { epoch, amplification }),
    hash: createHash('sha256')
      .update(JSON.stringify([fingerprint, decides, locality && localityHash(locality)]))
      .digest('hex'),
  };
}

function rowsPerStep(rank: number, worldSize: number, globalBatchSize: number): number {
  return Math.floor(((rank + 1) * globalBatchSize) / worldSize) - Math.floor((rank * globalBatchSize) / worldSize);
}

function whyOf(mode: 'record' | 'file', worldSize: number, amplification: number): string {
  if (mode === 'file') {
    return `whole files, as asked: nothing is read twice, but the order depends on the ${worldSize} workers, and an epoch cannot go on with others`;
  }
  const cost = `${amplification.toFixed(2)} x the bytes are read`;
  if (worldSize === 1) return `one worker reads all files; ${cost}`;
  return `every step's rows are shared out, so that the order is the same for any number of workers; ${cost}`;
}

function notesOf(
  { parts }: PlanFacts,
  { epoch, amplification }: { epoch: ResolvedEpoch; amplification: number },
): string[] {
  const { order, worldSize, locality, sharding } = epoch;
  const notes: string[] = [];
  if (locality !== undefined && order.kind !== 'windows' && sharding.mode === 'record') {
    notes.push('who lies near to what has no say in this order: shuffle in windows, or share out whole files');
  }
  const closed = parts.filter((part) => part.splittable === false);
  if (closed.length > 0) {
    const bytes = closed.reduce((n, part) => n + part.bytes, 0);
    notes.push(
      `${closed.length} of ${parts.length} files (${bytes} bytes) are compressed in one piece and cannot be entered in the ` +
        'middle: every rank that wants any record of them reads and unpacks them from the start',
    );
  }
  if (order.kind === 'windows' && worldSize > order.lanes) {
    notes.push(
      `${worldSize} workers share ${order.lanes} lanes, so each lane is read by several: ` +
        'lanes: N (a divisor of the batch) gives each its own',
    );
  }
  if (order.kind === 'global' && amplification > MOST_AMPLIFICATION) {
    notes.push('every record is read by itself: shuffle in windows, or keep a local cache');
  }
  return notes;
}

import { showValue } from './known-options.js';
import { type Locality, localityHash, nearRanks, parseLocality } from './locality.js';
import {
  countSteps,
  epochOrder,
  fileShares,
  type OrderOptions,
  type OrderSpec,
  Ordinals,
  positive,
  resolveOrder,
  rowsOf,
  type Share,
  type Stage,
  type Tail,
  usage,
} from './order/index.js';
import { optionsHash, type Position, parsePosition, type Sharding, wrong } from './position.js';

/** Which part of which order a rank reads. */
export interface EpochOptions extends OrderOptions {
  /** This worker's number, default 0. */
  rank?: number;
  /** Number of workers, default 1. */
  worldSize?: number;
  /** Rows of all ranks in a step. Default 1024, at least one a rank. */
  globalBatchSize?: number;
  /** Instead of `globalBatchSize`: rows of each rank. */
  perRankBatchSize?: number;
  /** Default `'pad'`. */
  tail?: Tail;
  /** Default `'auto'`, which shares out records: whole files would make the order depend on the number of workers. */
  mode?: 'record' | 'file' | 'auto';
  /** Any whole number, default 0. */
  seed?: number;
  /** From 0; each has its own order where there is a shuffle. Default 0. */
  epoch?: number;
  /** Who lies near to what, as `Dataset.locality` found it for one rank: all must be given the same. */
  locality?: unknown;
  /** Go on behind this one, as a batch or `JSON.parse` gave it. Seed, epoch and order are then its own. */
  position?: unknown;
}

/** What of a dataset decides who reads what. */
export interface EpochFacts {
  /** Records of each part, in the bytewise order of the parts' names. */
  readonly counts: ArrayLike<number>;
  /** Of all parts, uncompressed or about so. */
  readonly bytes: number;
  readonly fingerprint: string;
  /** What a stage of a dataset in its own order holds, about. Default 8 MiB. */
  readonly stageBytes?: number;
}

/** The options with every default filled in. */
export interface ResolvedEpoch {
  readonly worldSize: number;
  readonly globalBatchSize: number;
  readonly tail: Tail;
  readonly seed: number;
  readonly epoch: number;
  readonly consumed: number;
  readonly lost: number;
  readonly order: OrderSpec;
  readonly sharding: Sharding;
  readonly locality: Locality | undefined;
  /** Steps that are left, the same for every rank. */
  readonly steps: number;
}

/** A rank's share of an epoch. */
export interface EpochShare extends ResolvedEpoch {
  readonly rank: number;
  readonly rowsPerStep: number;
  stages(): Iterable<Stage>;
  /** The position behind so many of the steps that are left. `lost`: corrupt records that were met in them. */
  positionAfter(steps: number, lost: number): Position;
}

/** What a stage holds of records, about, where the order leaves it open. */
export const STAGE_BYTES = 8 << 20;
const MOST_STAGE_RECORDS = 1 << 20;

/** Fills in the defaults, or takes them from the position. @throws SHARDFEED_USAGE, SHARDFEED_POSITION */
export function resolveEpoch(facts: EpochFacts, options: EpochOptions): ResolvedEpoch {
  const { tail = 'pad', mode = 'auto' } = options;
  const worldSize = positive('worldSize', options.worldSize ?? 1);
  const globalBatchSize = batchSizeOf(options, worldSize);
  if (!['pad', 'drop', 'error'].includes(tail))
    throw usage(`tail is ${showValue(tail)}: 'pad', 'drop' or 'error' is wanted`);
  if (!['record', 'file', 'auto'].includes(mode)) {
    throw usage(`mode is ${showValue(mode)}: 'record', 'file' or 'auto' is wanted`);
  }
  const records = sum(facts.counts);
  const locality =
    options.locality === undefined ? undefined : parseLocality(options.locality, facts.counts.length, worldSize);
  const sharding: Sharding =
    mode !== 'file'
      ? { mode: 'record' }
      : { mode, worldSize, globalBatchSize, ...(locality && { locality: localityHash(locality) }) };
  if (sharding.mode === 'file' && globalBatchSize % worldSize !== 0) {
    throw usage(`mode 'file' wants the same rows for each rank: ${worldSize} do not divide ${globalBatchSize}`);
  }
  // Whole files are mixed by each rank for itself.
  const mixed = sharding.mode === 'file' ? globalBatchSize / worldSize : globalBatchSize;
  const fresh = {
    seed: whole('seed', options.seed ?? 0),
    epoch: whole('epoch', options.epoch ?? 0),
    consumed: 0,
    lost: 0,
  };
  const start =
    options.position === undefined
      ? { ...fresh, order: resolveOrder(options, records, mixed) }
      : resume(facts, options, { sharding, records, mixed });
  const common = { worldSize, globalBatchSize, tail, sharding, locality, ...start };
  refuseBeyond(facts, common, records);
  return { ...common, steps: stepsOf(facts, common, records) };
}

/** @throws SHARDFEED_USAGE, SHARDFEED_POSITION */
export function epochShare(facts: EpochFacts, options: EpochOptions): EpochShare {
  const epoch = resolveEpoch(facts, options);
  const { worldSize, globalBatchSize, sharding, order, seed, consumed, steps } = epoch;
  const { rank = 0 } = options;
  if (!(Number.isInteger(rank) && rank >= 0 && rank < worldSize)) {
    const ranks =
      worldSize === 1 ? '0, for 1 worker: is worldSize given?' : `0 to ${worldSize - 1}, for ${worldSize} workers`;
    throw usage(`rank is ${showValue(rank)}, wanted is ${ranks}`);
  }
  const { from, to } = rowsOf(rank, worldSize, globalBatchSize);
  const rowsPerStep = to - from;
  const { fingerprint } = facts;
  const options16 = optionsHash(order, sharding);
  return {
    ...epoch,
    rank,
    rowsPerStep,
    stages: () => stagesOf(facts, epoch, rank, rowsPerStep),
    positionAfter: (done, lost) => ({
      version: 1,
      fingerprint,
      seed,
      epoch: epoch.epoch,
      order,
      sharding,
      consumed: consumed + Math.min(done, steps) * globalBatchSize,
      lost: epoch.lost + lost,
      options: options16,
    }),
  };
}

function stagesOf(facts: EpochFacts, epoch: ResolvedEpoch, rank: number, rowsPerStep: number): Iterable<Stage> {
  const { counts, fingerprint, bytes } = facts;
  const { sharding, steps, globalBatchSize, worldSize, order: spec, seed, epoch: number } = epoch;
  if (steps === 0) return [];
  const recordBytes = bytes / Math.max(1, sum(counts));
  const stageBytes = spec.kind === 'sequential' ? (facts.stageBytes ?? STAGE_BYTES) : STAGE_BYTES;
  const stageRecords = Math.min(MOST_STAGE_RECORDS, Math.ceil(stageBytes / Math.max(1, recordBytes)));
  const share: Share = { rank, worldSize, globalBatchSize, consumed: epoch.consumed, steps, stageRecords };
  if (sharding.mode === 'record') {
    const near = epoch.locality && nearRanks(epoch.locality, counts);
    return epochOrder({ counts, spec, fingerprint, seed, epoch: number }).stages({ ...share, near });
  }
  const parts = filesOf(facts, epoch)[rank]!;
  const order = epochOrder({
    counts: Float64Array.from(parts, (part) => counts[part]!),
    spec,
    fingerprint: `${fingerprint} rank ${rank} of ${worldSize}`,
    seed,
    epoch: number,
  });
  const consumed = (epoch.consumed / globalBatchSize) * rowsPerStep;
  return ofParts(order.stages({ ...share, rank: 0, worldSize: 1, globalBatchSize: rowsPerStep, consumed }), parts);
}

/** The parts of each rank, where whole files are shared out. @throws SHARDFEED_USAGE where one would get none */
export function filesOf({ counts }: Pick<EpochFacts, 'counts'>, epoch: Omit<ResolvedEpoch, 'steps'>): Uint32Array[] {
  const { locality, worldSize } = epoch;
  if (locality === undefined) return fileShares(counts, worldSize);
  const near = nearRanks(locality, counts);
  const ordinals = new Ordinals(counts);
  // A file in several places is near to those that have its middle.
  return fileShares(counts, worldSize, (part) => near(ordinals.startOf(part) + Math.floor(counts[part]! / 2)));
}

/** Stages over some parts as stages over all of them. */
function* ofParts(stages: Iterable<Stage>, parts: Uint32Array): Generator<Stage> {
  for (const stage of stages) {
    yield { ...stage, runs: stage.runs.map((run) => ({ ...run, part: parts[run.part]! })) };
  }
}

function stepsOf(facts: EpochFacts, epoch: Omit<ResolvedEpoch, 'steps'>, records: number): number {
  const { counts } = facts;
  const { sharding, order, ...share } = epoch;
  if (records === 0) return 0;
  if (sharding.mode === 'record') return countSteps(order, records, share);
  const { worldSize, globalBatchSize } = sharding;
  const consumed = share.consumed / worldSize;
  const steps = filesOf(facts, epoch).map((parts) =>
    countSteps(
      order,
      parts.reduce((n, part) => n + counts[part]!, 0),
      { ...share, globalBatchSize: globalBatchSize / worldSize, consumed },
    ),
  );
  if (share.tail === 'error' && Math.min(...steps) !== Math.max(...steps)) {
    throw usage(
      `whole files make ${Math.min(...steps)} to ${Math.max(...steps)} steps: tail: 'pad' or 'drop' evens them out`,
    );
  }
  return share.tail === 'pad' ? Math.max(...steps) : Math.min(...steps);
}

function resume(
  { fingerprint }: EpochFacts,
  options: EpochOptions,
  { sharding, records, mixed }: { sharding: Sharding; records: number; mixed: number },
): Pick<ResolvedEpoch, 'seed' | 'epoch' | 'consumed' | 'lost' | 'order'> {
  const position = parsePosition(options.position, fingerprint);
  const { seed, epoch, consumed, lost, order } = position;
  const stride = position.sharding.mode === 'file' ? position.sharding.globalBatchSize : order.lanes;
  if (consumed % stride !== 0) {
    throw wrong(
      `the position contradicts itself: ${consumed} records are no whole batches, which come in multiples of ${stride}`,
    );
  }
  for (const [name, given, own] of [
    ['seed', options.seed, seed],
    ['epoch', options.epoch, epoch],
  ] as const) {
    if (given !== undefined && given !== own) throw wrong(`the position was taken at ${name} ${own}, not ${given}`);
  }
  if (JSON.stringify(position.sharding) !== JSON.stringify(sharding)) {
    const was = position.sharding;
    throw wrong(
      was.mode === 'record'
        ? "the position was taken in mode 'record'; whole files cannot go on from it"
        : `the position was taken in mode 'file' by ${was.worldSize} workers with global batches of ${was.globalBatchSize} ` +
            'rows: whole files can only go on at the same numbers, and with the same locality',
    );
  }
  if (mixed % order.lanes !== 0) {
    throw wrong(`the position's order has ${order.lanes} lanes, which do not divide a batch of ${mixed} rows`);
  }
  // Defaults depend on the batch size, which may be another one: only what is asked for has to agree.
  if (options.shuffle !== undefined || options.lanes !== undefined) {
    const { shuffle } = options;
    const sizes = typeof shuffle === 'object' ? shuffle : undefined;
    const kind = shuffle === undefined ? order.kind : resolveOrder({ shuffle }, records, mixed).kind;
    const own = order.kind === 'windows' ? order : { lanes: 1, window: undefined, block: undefined };
    const agrees =
      kind === order.kind &&
      (options.lanes ?? own.lanes) === own.lanes &&
      (sizes?.block ?? own.block) === own.block &&
      (sizes?.window === undefined || own.window === undefined || sizes.window <= own.window);
    if (!agrees) throw wrong(`the position was taken in the order ${JSON.stringify(order)}, another one is asked for`);
  }
  return { seed, epoch, consumed, lost, order };
}

/** The last step before a position may have been one of so many times the rows of a step now. */
const MOST_SHRINKING = 64;

/** An epoch ends with its last step, which may be padded. @throws SHARDFEED_POSITION for one that lies further behind its records */
function refuseBeyond(facts: EpochFacts, epoch: Omit<ResolvedEpoch, 'steps'>, records: number): void {
  const { consumed, sharding, globalBatchSize } = epoch;
  if (consumed <= records) return;
  const end =
    sharding.mode === 'file'
      ? stepsOf(facts, { ...epoch, consumed: 0, tail: 'pad' }, records) * globalBatchSize
      : records + MOST_SHRINKING * globalBatchSize;
  if (consumed > end) {
    throw wrong(`the position contradicts itself: ${consumed} records were delivered, and the epoch has ${records}`);
  }
}

function batchSizeOf({ globalBatchSize, perRankBatchSize }: EpochOptions, worldSize: number): number {
  if (globalBatchSize !== undefined && perRankBatchSize !== undefined) {
    throw usage('globalBatchSize and perRankBatchSize are both given: one of them says it all');
  }
  if (perRankBatchSize !== undefined) return positive('perRankBatchSize', perRankBatchSize) * worldSize;
  const size = positive('globalBatchSize', globalBatchSize ?? Math.max(1024, worldSize));
  if (size < worldSize) throw usage(`a global batch of ${size} rows leaves some of ${worldSize} ranks without any`);
  return size;
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && (value >= 0 || name === 'seed')) return value;
  throw usage(`${name} is ${showValue(value)}, a whole number is wanted`);
}

function sum(counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i]!;
  return total;
}

import { ShardfeedError } from '../../errors.js';
import type { Schema } from '../../records/schema.js';
import type { CheckedOptions } from '../options.js';
import { SHUFFLE_BUCKETS } from './random.js';
import type { Routing } from './routing.js';
import { gatherShuffled } from './shuffle.js';
import {
  type Cut,
  DirectSink,
  gatherParts,
  gatherRanges,
  type OpenPart,
  RangeSink,
  type Sink,
  SpoolSink,
} from './sinks.js';
import { Spool } from './spool.js';

/** Part files that may be open for writing at once. */
const MAX_OPEN_PARTS = 64;
const DEFAULT_PARTITIONS = 1;

/** How records find their place: the rule for the workers, and the sink behind them. */
export interface SinkPlan {
  readonly routing: Routing;
  /** The sink asks for the exact number of records only where it makes good use of it. */
  open(openPart: OpenPart, countRecords: () => Promise<number | undefined>): Promise<Sink>;
}

/**
 * Chooses the cheapest way that keeps the promise of each partitioning: straight into the parts where the target of a
 * record is known at once and few parts are open; else through a spool on local disk.
 */
export function planSink(options: CheckedOptions, schema: Schema | undefined): SinkPlan {
  const { partitionBy, seed, spoolDir } = options;
  const partitions = options.partitions ?? DEFAULT_PARTITIONS;
  const splits = cumulativeShares(options.split);
  const count = Math.max(1, splits.length);
  const cutOf = (n: number): Cut =>
    options.targetBytes === undefined ? { parts: partitions, records: n } : { bytes: options.targetBytes };
  const route = (by: Routing['by'], fanout: number): Routing => ({
    by,
    fanout,
    seed,
    splits,
    ...(by === 'hash' ? { key: featureIndex(schema, options.key!, 'key') } : {}),
    splitKey: splitKeyOf(options, schema),
  });
  const spooled = async (buckets: number, gather: (spool: Spool, split: number) => ReturnType<typeof gatherParts>) =>
    new SpoolSink(await Spool.open(count * buckets, spoolDir), count, gather);

  if (partitionBy === 'shuffle') {
    return {
      routing: route('shuffle', SHUFFLE_BUCKETS),
      open: (openPart) =>
        spooled(SHUFFLE_BUCKETS, (spool, split) => gatherShuffled(spool, openPart, split, { seed, cutOf, spoolDir })),
    };
  }
  if (partitionBy === 'range') {
    const routing = route('none', 1);
    return {
      routing,
      open: async (openPart, countRecords) => {
        if (options.targetBytes !== undefined) return new RangeSink(openPart, new Array<Cut>(count).fill(cutOf(0)));
        const records = count === 1 ? await countRecords() : undefined;
        if (records !== undefined) return new RangeSink(openPart, [cutOf(records)]);
        return spooled(1, (spool, split) => gatherRanges(spool, openPart, split, cutOf));
      },
    };
  }
  return {
    routing: route(partitionBy, partitions),
    open: async (openPart) =>
      count * partitions <= MAX_OPEN_PARTS
        ? new DirectSink(openPart, count, partitions)
        : spooled(partitions, (spool, split) => gatherParts(spool, openPart, split, partitions)),
  };
}

function cumulativeShares(split: CheckedOptions['split']): number[] {
  const shares = Object.values(split ?? {});
  const total = shares.reduce((a, b) => a + b, 0);
  let sum = 0;
  return shares.map((share) => {
    sum += share;
    return sum / total;
  });
}

function splitKeyOf({ split, splitKey, key }: CheckedOptions, schema: Schema | undefined): number | undefined {
  if (split === undefined) return undefined;
  if (splitKey !== undefined) return featureIndex(schema, splitKey, 'splitKey');
  return key === undefined ? undefined : featureIndex(schema, key, 'key');
}

function featureIndex(schema: Schema | undefined, name: string, option: string): number {
  const index = schema?.features.findIndex((feature) => feature.name === name) ?? -1;
  if (index >= 0) return index;
  const names = schema?.features.map((feature) => JSON.stringify(feature.name)).join(', ') ?? 'none known';
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `${option} ${JSON.stringify(name)} is no feature; the features are ${names}`,
    {
      column: name,
    },
  );
}

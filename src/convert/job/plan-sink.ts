import { ShardfeedError } from '../../errors.js';
import type { SpoolRoom } from '../../files/index.js';
import type { Schema } from '../../records/schema.js';
import type { CheckedOptions } from '../options.js';
import { SHUFFLE_BUCKETS } from './random.js';
import { exactly, type RecordCount } from './record-count.js';
import type { Records } from './records-run.js';
import type { Routing } from './routing.js';
import { shuffledCount, shuffledStream } from './shuffle.js';
import {
  bucketStream,
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

/** How a part whose writing is interrupted gets its records again. */
export type AgainBySource =
  /** It never is interrupted. */
  | 'never'
  /** The source cannot be read again, so a spool keeps the records. */
  | 'spool'
  /** The source gives the records of a target again, from an ordinal on. */
  | ((target: number, from: number) => AsyncIterable<Records>);

/** How records find their place: the rule for the workers, and the sink behind them. */
export interface SinkPlan {
  readonly routing: Routing;
  /** The sink asks for the number of records only where it makes good use of it. */
  open(openPart: OpenPart, countRecords: () => Promise<RecordCount | undefined>, again: AgainBySource): Promise<Sink>;
}

/**
 * Chooses the cheapest way that keeps the promise of each partitioning: straight into the parts where the target of a
 * record is known at once, few parts are open, and an interrupted part could be written again; else through a spool on
 * local disk.
 */
export function planSink(options: CheckedOptions, schema: Schema | undefined, room: SpoolRoom): SinkPlan {
  const { partitionBy, seed } = options;
  const partitions = options.partitions ?? DEFAULT_PARTITIONS;
  const splits = cumulativeShares(options.split);
  const count = Math.max(1, splits.length);
  const cutOf = (records: RecordCount): Cut =>
    options.targetBytes === undefined ? { parts: partitions, records } : { bytes: options.targetBytes };
  const route = (by: Routing['by'], fanout: number): Routing => ({
    by,
    fanout,
    seed,
    splits,
    ...(by === 'hash' ? { key: featureIndex(schema, options.key!, 'key') } : {}),
    splitKey: splitKeyOf(options, schema),
  });
  const spooled = async (buckets: number, gather: (spool: Spool, split: number) => ReturnType<typeof gatherParts>) =>
    new SpoolSink(await Spool.open(count * buckets, room), count, gather);

  if (partitionBy === 'shuffle') {
    return {
      routing: route('shuffle', SHUFFLE_BUCKETS),
      open: (openPart) =>
        spooled(SHUFFLE_BUCKETS, (spool, split) =>
          gatherRanges(
            shuffledStream(spool, split, { seed, room }),
            openPart,
            split,
            cutOf(exactly(shuffledCount(spool, split))),
          ),
        ),
    };
  }
  if (partitionBy === 'range') {
    const routing = route('none', 1);
    return {
      routing,
      open: async (openPart, countRecords, again) => {
        if (again !== 'spool') {
          const redo = again === 'never' ? undefined : again;
          if (options.targetBytes !== undefined) {
            return new RangeSink(openPart, new Array<Cut>(count).fill({ bytes: options.targetBytes }), redo);
          }
          const records = count === 1 ? await countRecords() : undefined;
          if (records !== undefined) return new RangeSink(openPart, [cutOf(records)], redo);
        }
        return spooled(1, (spool, split) =>
          gatherRanges(bucketStream(spool, split), openPart, split, cutOf(exactly(spool.count(split)))),
        );
      },
    };
  }
  return {
    routing: route(partitionBy, partitions),
    open: async (openPart, _, again) =>
      again === 'never' && count * partitions <= MAX_OPEN_PARTS
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

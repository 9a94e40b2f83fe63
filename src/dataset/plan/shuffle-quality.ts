import { epochShare } from '../epoch-share.js';
import { Ordinals } from '../order/ordinals.js';
import { epochKey, RandomWords } from '../order/random.js';
import type { PlanFacts, PlanOptions } from './plan.js';

/** How well an order mixes a dataset whose records are sorted by label. */
export interface OrderQuality {
  /** Records looked at: those of the first steps. */
  readonly records: number;
  /** Correlation of each record's label with the next one's: 0 for a perfect shuffle, 1 for none. */
  readonly autocorrelation: number;
  /** Median distance between a record's places in the dataset and in the order, as a share of all records; perfect: 0.29. */
  readonly displacement: number;
}

/** Labels of the made-up dataset: as many equal stretches. */
const LABELS = 10;
const MOST_RECORDS = 1 << 20;

/** Looks at the order that a plan's options give. @throws SHARDFEED_USAGE, SHARDFEED_POSITION */
export function orderQuality({ parts, fingerprint }: PlanFacts, options: PlanOptions): OrderQuality {
  const counts = Float64Array.from(parts, (part) => part.records);
  const ordinals = new Ordinals(counts);
  const share = epochShare({ counts, bytes: 0, fingerprint }, { ...options, rank: 0, worldSize: 1, mode: 'record' });
  const order = new Float64Array(Math.min(ordinals.records, MOST_RECORDS));
  let used = 0;
  for (const { runs, rows, mask } of share.stages()) {
    const starts = new Float64Array(runs.length);
    let before = 0;
    // Of each run the ordinal of its first record, less how many records of runs stand before it.
    const shift = Float64Array.from(runs, ({ part, first, count }, i) => {
      starts[i] = before;
      before += count;
      return ordinals.startOf(part) + first - starts[i]!;
    });
    const runOf = new Uint32Array(before);
    runs.forEach(({ count }, i) => void runOf.fill(i, starts[i], starts[i]! + count));
    for (let row = 0; row < rows.length && used < order.length; row++) {
      if (mask[row] === 1) order[used++] = shift[runOf[rows[row]!]!]! + rows[row]!;
    }
    if (used === order.length) break;
  }
  return qualityOf(order.subarray(0, used), ordinals.records);
}

/** The same of a shuffle buffer, as tf.data's `shuffle(size)`: each record that comes takes the place of a random one. */
export function shuffleBuffer(records: number, size: number, seed = 0): OrderQuality {
  const random = new RandomWords(epochKey('shuffle buffer', seed, 0), 0, 0);
  const held = Float64Array.from({ length: Math.min(size, records) }, (_, i) => i);
  const order = new Float64Array(Math.min(records, MOST_RECORDS));
  let left = held.length;
  let next = left;
  for (let i = 0; i < order.length; i++) {
    const at = Math.floor((random.next() / 2 ** 32) * left);
    order[i] = held[at]!;
    if (next < records) held[at] = next++;
    else held[at] = held[--left]!;
  }
  return qualityOf(order, records);
}

/** What to think of an order: the record at each place. */
export function qualityOf(order: Float64Array, records: number): OrderQuality {
  const label = (ordinal: number): number => Math.floor((ordinal * LABELS) / records);
  const { length } = order;
  let sum = 0;
  for (const ordinal of order) sum += label(ordinal);
  const mean = sum / length;
  let variance = 0;
  let covariance = 0;
  for (let i = 0; i < length; i++) {
    const here = label(order[i]!) - mean;
    variance += here * here;
    if (i + 1 < length) covariance += here * (label(order[i + 1]!) - mean);
  }
  const distances = order.map((ordinal, place) => Math.abs(ordinal - place)).sort();
  return {
    records: length,
    // Where all that came so far has one label, each record says what the next one is.
    autocorrelation: variance === 0 ? 1 : covariance / variance,
    displacement: length === 0 ? 0 : distances[length >> 1]! / records,
  };
}

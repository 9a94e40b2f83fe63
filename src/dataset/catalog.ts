import type { Codec } from '../files/index.js';
import type { Schema } from '../records/index.js';
import type { Manifest } from './manifest.js';
import type { DatasetPart } from './resolve.js';
import type { StatisticsJson } from './statistics.js';

/** A part, and what is known of its records. */
export interface CatalogPart extends DatasetPart {
  readonly records: number;
  /** See `PartDigest`. */
  readonly digest: string;
  readonly compression: Codec;
  /** Whether it can be read from the middle: a plain file, or gzip in members that its index lists. */
  readonly splittable: boolean;
  /** Who told: the manifest, the part's index, or its own bytes. */
  readonly countedBy: CountedBy;
}

/** What a dataset is made of: all that an order and a plan want to know. */
export interface Catalog {
  /** In the order of the UTF-8 bytes of their names: records are numbered so. */
  readonly parts: readonly CatalogPart[];
  readonly records: number;
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  readonly schema: Schema;
  /** Who told of the part that least was known of. */
  readonly countedBy: CountedBy;
  /** Those of the manifest, where it is one of all the parts. */
  readonly statistics?: StatisticsJson | undefined;
  readonly manifest?: Manifest | undefined;
}

export type CountedBy = 'manifest' | 'index' | 'scan';

/** The ordinal of each part's first record, and behind them how many records there are. */
export function firstRecords(parts: readonly { readonly records: number }[]): Float64Array {
  const firsts = new Float64Array(parts.length + 1);
  for (let i = 0; i < parts.length; i++) firsts[i + 1] = firsts[i]! + parts[i]!.records;
  return firsts;
}

/** The part that holds a record of the dataset, and which of its records that is. */
export function locateRecord(firsts: Float64Array, ordinal: number): { part: number; record: number } {
  let low = 0;
  let high = firsts.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (firsts[middle]! <= ordinal) low = middle;
    else high = middle;
  }
  return { part: low, record: ordinal - firsts[low]! };
}

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

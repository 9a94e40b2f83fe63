import { DISTINCT_REGISTERS, mergeDistinct, noteDistinct } from '../records/distinct.js';
import type { FeatureKind } from '../records/schema.js';

/** Bytes of a value as dictionary and sample hold it: u64 hash, u32 length, the first {@link RECORD_PREFIX} bytes. */
export const RECORD_BYTES = 64;
export const RECORD_PREFIX = 52;

/** Of a run of 256 sorted values every 2^IN_BLOCK_LEVELS-th is kept at the least; see assembly/statistics.ts. */
export const IN_BLOCK_LEVELS = 8;

/** Rows of a block for a feature of this width (-1: ragged): the distance between two points of the sampling grid. */
export function blockRowsOf(width: number): number {
  if (width < 0) return 16;
  return width >= 256 ? 1 : 256 >> (32 - Math.clz32(width - 1));
}

/** Values as they are held: float, int64, or bytes as records of RECORD_BYTES each. */
export type Held = Float32Array | BigInt64Array | Uint8Array;

/** All distinct values of a column while there are few, in ascending order of their hashes (0 counts as 1). */
export interface Dictionary {
  readonly hashes: BigUint64Array;
  readonly counts: Float64Array;
  readonly values: Held;
}

/** A sample of a column's finite values. */
export interface Sample {
  /** The level that all items survive. */
  readonly level: number;
  /** Per item: last level that it survives << 11 | log4(stride) << 8 | rows of its block - 1. */
  readonly meta: Uint16Array;
  readonly values: Held;
}

/** What is known of one column. Every field depends only on the set of blocks seen, not on their order. */
export interface ColumnPartial {
  readonly kind: FeatureKind;
  /** Rows without a value. */
  readonly missing: number;
  /** Values of all rows. */
  readonly values: number;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  /** Of finite values; of bytes, their lengths. Without values: Infinity and -Infinity, for int64 undefined. */
  readonly min: number | bigint | undefined;
  readonly max: number | bigint | undefined;
  /** Values in a row; Infinity and 0 while there is no row. */
  readonly listMin: number;
  readonly listMax: number;
  /** Exact sums of finite values and of their squares: int64 as they are, float in units of 2^-149 and 2^-298. */
  readonly sum: bigint;
  readonly squares: bigint;
  /** Undefined when there are more distinct values than `entries` allows. */
  readonly dictionary: Dictionary | undefined;
  /** UltraLogLog registers; only where there is no dictionary. */
  readonly registers: Uint8Array | undefined;
  readonly sample: Sample;
}

/** Mergeable statistics of some rows; structured-cloneable. */
export interface PartialStatistics {
  readonly rows: number;
  /** Limits that must agree to be merged. */
  readonly limits: StatisticsLimits;
  /** In the order of the schema. */
  readonly columns: readonly ColumnPartial[];
}

export interface StatisticsLimits {
  /** Distinct values counted exactly. */
  readonly entries: number;
  /** Items of a sample of numbers, and of bytes. */
  readonly numbers: number;
  readonly bytes: number;
}

/**
 * Limits for a schema of this many features: 60 MB for collector and merged statistics together for 257 floats, 90 MB at
 * the most. The standard error of a quantile's rank is 0.2 % or less for most columns. It is the largest where rows come in runs of
 * some 50 to 300 similar values, and in more blocks than there are items (3 million rows for 250 features and more, 16
 * million up to 60): then it is 0.4 % and at most 0.65 %, or 0.3 % up to 60 features.
 */
export function limitsFor(features: number): StatisticsLimits {
  const numbers = Math.min(65536, Math.max(12288, Math.floor(2 ** 22 / features) - 4096));
  return features <= 128 ? { entries: 512, numbers, bytes: 4096 } : { entries: 256, numbers, bytes: 2048 };
}

/** The share of a row in `values` that one held value takes. */
export function unitOf(kind: FeatureKind): number {
  return kind === 'bytes' ? RECORD_BYTES : 1;
}

/** The memory that statistics lie in, to hand them to another thread. */
export function buffersOf({ columns }: PartialStatistics): ArrayBuffer[] {
  const arrays = columns.flatMap(({ dictionary: d, registers, sample: { meta, values } }) => [
    ...(d === undefined ? [registers!] : [d.hashes, d.counts, d.values]),
    meta,
    values,
  ]);
  return [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))];
}

/**
 * Statistics of the rows of both, which must be disjoint. Any order and grouping gives the same. Both are used up: the
 * result may hold and change their arrays.
 */
export function mergeStatistics(a: PartialStatistics, b: PartialStatistics): PartialStatistics {
  const { limits } = a;
  const same =
    a.columns.length === b.columns.length &&
    a.columns.every((column, i) => column.kind === b.columns[i]!.kind) &&
    limits.entries === b.limits.entries &&
    limits.numbers === b.limits.numbers &&
    limits.bytes === b.limits.bytes;
  if (!same) throw new RangeError('only statistics of the same schema and limits can be merged');
  const columns = a.columns.map((column, i) => mergeColumns(column, b.columns[i]!, limits));
  return { rows: a.rows + b.rows, limits, columns };
}

function mergeColumns(a: ColumnPartial, b: ColumnPartial, limits: StatisticsLimits): ColumnPartial {
  const dictionary = mergeDictionaries(a, b, limits.entries);
  return {
    kind: a.kind,
    missing: a.missing + b.missing,
    values: a.values + b.values,
    nan: a.nan + b.nan,
    positiveInfinity: a.positiveInfinity + b.positiveInfinity,
    negativeInfinity: a.negativeInfinity + b.negativeInfinity,
    min: a.min === undefined || (b.min !== undefined && b.min < a.min) ? b.min : a.min,
    max: a.max === undefined || (b.max !== undefined && b.max > a.max) ? b.max : a.max,
    listMin: Math.min(a.listMin, b.listMin),
    listMax: Math.max(a.listMax, b.listMax),
    sum: a.sum + b.sum,
    squares: a.squares + b.squares,
    dictionary,
    registers: dictionary === undefined ? mergeRegisters(a, b) : undefined,
    sample: mergeSamples(a, b, a.kind === 'bytes' ? limits.bytes : limits.numbers),
  };
}

function mergeDictionaries(a: ColumnPartial, b: ColumnPartial, entries: number): Dictionary | undefined {
  if (a.dictionary === undefined || b.dictionary === undefined) return undefined;
  const { hashes, counts } = a.dictionary;
  const places = new Map<bigint, number>();
  hashes.forEach((hash, i) => {
    places.set(hash, i);
  });
  const fresh: number[] = [];
  b.dictionary.hashes.forEach((hash, i) => {
    const place = places.get(hash);
    if (place === undefined) fresh.push(i);
    else counts[place]! += b.dictionary!.counts[i]!;
  });
  if (fresh.length === 0) return a.dictionary;
  if (hashes.length + fresh.length > entries) return undefined;
  const unit = unitOf(a.kind);
  return sortDictionary(
    {
      hashes: concat(hashes, pick(b.dictionary.hashes, fresh, 1)),
      counts: concat(counts, pick(b.dictionary.counts, fresh, 1)),
      values: concat(a.dictionary.values, pick(b.dictionary.values, fresh, unit)),
    },
    unit,
  );
}

/** Puts entries in ascending order of their hashes. */
export function sortDictionary({ hashes, counts, values }: Dictionary, unit: number): Dictionary {
  const order = Array.from(hashes.keys()).sort((i, j) => (hashes[i]! < hashes[j]! ? -1 : 1));
  return { hashes: pick(hashes, order, 1), counts: pick(counts, order, 1), values: pick(values, order, unit) };
}

function mergeRegisters(a: ColumnPartial, b: ColumnPartial): Uint8Array {
  const into = a.registers ?? new Uint8Array(DISTINCT_REGISTERS);
  if (a.dictionary !== undefined) for (const hash of a.dictionary.hashes) noteDistinct(into, hash);
  if (b.dictionary !== undefined) for (const hash of b.dictionary.hashes) noteDistinct(into, hash);
  if (b.registers !== undefined) mergeDistinct(into, b.registers);
  return into;
}

function mergeSamples(a: ColumnPartial, b: ColumnPartial, cap: number): Sample {
  let level = Math.max(a.sample.level, b.sample.level);
  // How many items survive each level.
  const last = new Float64Array(33);
  for (const { meta } of [a.sample, b.sample]) for (const m of meta) last[m >> 11]!++;
  const surviving = (from: number): number => last.subarray(from).reduce((n, items) => n + items, 0);
  while (surviving(level) > cap) level++;
  const unit = unitOf(a.kind);
  if (a.sample.level === level && b.sample.meta.length === 0) return a.sample;
  const count = surviving(level);
  const meta = new Uint16Array(count);
  const values = new (a.sample.values.constructor as new (length: number) => Held)(count * unit);
  const end = copySurvivors(b.sample, level, unit, meta, values, copySurvivors(a.sample, level, unit, meta, values, 0));
  if (end !== count) throw new RangeError(`${end} items where ${count} were counted`);
  return { level, meta, values };
}

/** Copies the items that survive a level behind the first `at` ones; how many there are then. */
function copySurvivors(from: Sample, level: number, unit: number, meta: Uint16Array, values: Held, at: number): number {
  if (from.level === level) {
    meta.set(from.meta, at);
    values.set(from.values as never, at * unit);
    return at + from.meta.length;
  }
  let to = at;
  for (let i = 0; i < from.meta.length; i++) {
    const m = from.meta[i]!;
    if (m >> 11 < level) continue;
    meta[to] = m;
    if (unit === 1) values[to] = from.values[i]!;
    else values.set(from.values.subarray(i * unit, (i + 1) * unit) as never, to * unit);
    to++;
  }
  return to;
}

type Numbers = Float32Array | Float64Array | BigInt64Array | BigUint64Array | Uint8Array | Uint16Array;

function concat<T extends Numbers>(a: T, b: T): T {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out = new (a.constructor as new (length: number) => T)(a.length + b.length);
  out.set(a as never);
  out.set(b as never, a.length);
  return out;
}

/** The elements (of `unit` numbers each) at these places. */
function pick<T extends Numbers>(from: T, places: readonly number[], unit: number): T {
  const out = new (from.constructor as new (length: number) => T)(places.length * unit);
  places.forEach((place, i) => {
    if (unit === 1) out[i] = from[place]!;
    else out.set(from.subarray(place * unit, (place + 1) * unit) as never, i * unit);
  });
  return out;
}

import { estimateDistinct } from '../records/distinct.js';
import { type JsonValue, toJsonValue } from '../records/json-value.js';
import { type Feature, type Schema, widthOf } from '../records/schema.js';
import { KeySorter } from './sort-keys.js';
import { type ColumnPartial, type PartialStatistics, RECORD_BYTES, RECORD_PREFIX } from './statistics-partial.js';
import { hashesOf, type Weighted, weigh } from './weighted-values.js';

/** The ranks of the quantiles that are reported. */
export const QUANTILES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99] as const;
const TOP = 10;

/** How often a value occurs. Of a long bytes value only the beginning is kept: `bytes` is its whole length then. */
export interface TopValue {
  readonly value: JsonValue;
  readonly count: number;
  readonly bytes?: number;
}

/** Statistics of a feature as the manifest holds them. What no value is known for is left out. */
export interface FeatureStatistics {
  readonly name: string;
  readonly kind: Feature['kind'];
  /** Rows with a value (or list of values), and rows without. */
  readonly count: number;
  readonly missing: number;
  /** Lists only: values of all rows, and how many a row has. */
  readonly values?: number;
  readonly lists?: { readonly min: number; readonly mean: number; readonly max: number };
  /** float only; these values are left out of all that follows. */
  readonly nan?: number;
  readonly positiveInfinity?: number;
  readonly negativeInfinity?: number;
  readonly mean?: number;
  /** Of the values themselves: divided by their count, as numpy does by default. */
  readonly std?: number;
  readonly min?: JsonValue;
  readonly max?: JsonValue;
  /** The least value with at least this share of the values at or below it; within 1 % of rank, or exact if so said. */
  readonly quantiles?: Readonly<Record<string, JsonValue>>;
  readonly quantilesExact?: boolean;
  /** bytes only: lengths of the values. */
  readonly lengths?: { readonly min: number; readonly mean: number; readonly max: number };
  readonly distinct: number;
  readonly distinctExact: boolean;
  /** The most frequent values, the most frequent first. */
  readonly top: readonly TopValue[];
  readonly topExact: boolean;
}

export interface StatisticsJson {
  readonly records: number;
  readonly features: readonly FeatureStatistics[];
}

/** Reads merged statistics out; the same rows give the same JSON bytes. */
export function toStatisticsJson(partial: PartialStatistics, schema: Schema): StatisticsJson {
  const sorter = new KeySorter();
  return {
    records: partial.rows,
    features: schema.features.map((feature, i) => featureJson(feature, partial.columns[i]!, partial.rows, sorter)),
  };
}

function featureJson(feature: Feature, column: ColumnPartial, rows: number, sorter: KeySorter): FeatureStatistics {
  const { name, kind } = feature;
  const count = rows - column.missing;
  const { nan, positiveInfinity, negativeInfinity } = column;
  const finite = column.values - nan - positiveInfinity - negativeInfinity;
  const weighted = weigh(feature, column, sorter);
  return {
    name,
    kind,
    count,
    missing: column.missing,
    ...(widthOf(feature) === 1 || count === 0
      ? {}
      : {
          values: column.values,
          lists: { min: column.listMin, mean: column.values / count, max: column.listMax },
        }),
    ...(kind === 'float' ? { nan, positiveInfinity, negativeInfinity } : {}),
    ...(finite === 0 ? {} : kind === 'bytes' ? lengthsJson(column, finite) : numbersJson(column, finite, weighted)),
    distinct: column.dictionary?.hashes.length ?? estimateDistinct(column.registers!),
    distinctExact: column.dictionary !== undefined,
    top: topValues(column, weighted, finite),
    topExact: weighted.exact,
  };
}

function lengthsJson(column: ColumnPartial, values: number): Partial<FeatureStatistics> {
  const mean = ratio(column.sum, BigInt(values), 0);
  return { lengths: { min: column.min as number, mean, max: column.max as number } };
}

function numbersJson(column: ColumnPartial, values: number, weighted: Weighted): Partial<FeatureStatistics> {
  const n = BigInt(values);
  const unit = column.kind === 'float' ? -149 : 0;
  const variance = ratio(n * column.squares - column.sum * column.sum, n * n, 2 * unit);
  const { kind } = column;
  const quantiles: Record<string, JsonValue> = {};
  let at = 0;
  let below = 0;
  const total = weighted.weights.reduce((sum, weight) => sum + weight, 0);
  for (const q of QUANTILES) {
    // Sums of weights are exact up to rounding far below the weight of an item.
    while (at < weighted.weights.length - 1 && below + weighted.weights[at]! < q * total * (1 - 1e-12)) {
      below += weighted.weights[at++]!;
    }
    quantiles[String(q)] = toJsonValue(kind, weighted.keys[at]!);
  }
  return {
    mean: ratio(column.sum, n, unit),
    std: Math.sqrt(variance),
    min: toJsonValue(kind, column.min!),
    max: toJsonValue(kind, column.max!),
    ...(weighted.weights.length === 0 ? {} : { quantiles, quantilesExact: weighted.exact }),
  };
}

/** The heaviest values. What is seen once or twice in a sample says nothing about how often a value occurs. */
function topValues({ kind, dictionary, sample }: ColumnPartial, weighted: Weighted, finite: number): TopValue[] {
  const { keys, weights, exact } = weighted;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const least = exact ? 0 : 3 * weights.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const best: number[] = [];
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (weight < least || (best.length === TOP && weight <= weights[best[TOP - 1]!]!)) continue;
    let at = best.length;
    while (at > 0 && weights[best[at - 1]!]! < weight) at--;
    best.splice(at, 0, i);
    best.length = Math.min(best.length, TOP);
  }
  const records = (dictionary?.values ?? sample.values) as Uint8Array;
  const hashes = kind === 'bytes' ? hashesOf(records) : undefined;
  return best.map((i) => {
    const count = exact ? weights[i]! : Math.round((weights[i]! / total) * finite);
    const value =
      hashes === undefined
        ? { value: toJsonValue(kind, keys[i]!) }
        : recordJson(records, hashes.indexOf(keys[i] as bigint));
    return { ...value, count };
  });
}

function recordJson(records: Uint8Array, i: number): { value: JsonValue; bytes?: number } {
  const at = i * RECORD_BYTES;
  const length = new DataView(records.buffer, records.byteOffset + at).getUint32(8, true);
  const kept = records.subarray(at + 12, at + 12 + Math.min(length, RECORD_PREFIX));
  if (length <= RECORD_PREFIX) return { value: toJsonValue('bytes', kept) };
  return { value: toJsonValue('bytes', wholeCharacters(kept)), bytes: length };
}

/** Leaves out a character of UTF-8 that the end cuts in two. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && (bytes[start]! & 0xc0) === 0x80) start--;
  const lead = bytes[start]!;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return start + size > bytes.length ? bytes.subarray(0, start) : bytes;
}

/** numerator / denominator x 2^exponent, correctly rounded unless the result is subnormal. */
function ratio(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  const negative = numerator < 0n;
  const top = negative ? -numerator : numerator;
  // 66 bits or more of quotient; a bit below tells of a remainder, so that Number() rounds as if it saw all of them.
  const shift = Math.max(66 + bitLength(denominator) - bitLength(top), 0);
  const scaled = top << BigInt(shift);
  const quotient = scaled / denominator;
  const rounded = Number((quotient << 1n) | (quotient * denominator === scaled ? 0n : 1n));
  // In two steps: neither power leaves the range of a double.
  const power = exponent - shift - 1;
  const half = Math.trunc(power / 2);
  const result = rounded * 2 ** half * 2 ** (power - half);
  return negative ? -result : result;
}

function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}

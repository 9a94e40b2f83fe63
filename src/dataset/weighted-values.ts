import { type Feature, widthOf } from '../records/schema.js';
import type { KeySorter } from './sort-keys.js';
import { blockRowsOf, type ColumnPartial, IN_BLOCK_LEVELS, RECORD_BYTES } from './statistics-partial.js';

/** What values are told apart and ordered by: numbers by themselves, bytes by their hashes. */
export type Keys = Float32Array | BigInt64Array | BigUint64Array;

/** Different values in ascending order, and how many values of the column each stands for. */
export interface Weighted {
  readonly keys: Keys;
  readonly weights: Float64Array;
  /** The weights are counts: nothing was left out. */
  readonly exact: boolean;
}

/** What is known of a column's values: the dictionary, where there is one, else the sample. */
export function weigh(feature: Feature, column: ColumnPartial, sorter: KeySorter): Weighted {
  const { dictionary, sample, kind } = column;
  const held = dictionary?.values ?? sample.values;
  const keys = kind === 'bytes' ? hashesOf(held as Uint8Array) : (held as Float32Array | BigInt64Array);
  if (dictionary !== undefined) {
    const order = Array.from(keys.keys()).sort((i, j) => (keys[i]! < keys[j]! ? -1 : 1));
    return { keys: pick(keys, order), weights: Float64Array.from(order, (i) => dictionary.counts[i]!), exact: true };
  }
  const exact = sample.level === 0 && sample.meta.every((m) => strideOf(m) === 1);
  // Nearly all items weigh the same: sort each weight for itself and merge.
  const groups = [...byWeight(feature, column, keys)].sort(([a], [b]) => a - b);
  const sorted = groups.map(([weight, group]) => {
    sorter.sort(group);
    return countRuns(group, weight);
  });
  const { keys: all, weights } = sorted.reduce(mergeRuns, { keys: keys.slice(0, 0), weights: new Float64Array(0) });
  return { keys: all, weights, exact };
}

interface Runs {
  readonly keys: Keys;
  readonly weights: Float64Array;
}

/** The hashes at the start of records. */
export function hashesOf(records: Uint8Array): BigUint64Array {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  return BigUint64Array.from({ length: records.length / RECORD_BYTES }, (_, i) =>
    view.getBigUint64(i * RECORD_BYTES, true),
  );
}

function strideOf(meta: number): number {
  return 4 ** ((meta >> 8) & 7);
}

/** The sample's keys by how many values of the column each item stands for. */
function byWeight(feature: Feature, { sample }: ColumnPartial, keys: Keys): Map<number, Keys> {
  const { level, meta } = sample;
  const kept = 2 ** Math.min(level, IN_BLOCK_LEVELS);
  const gridStep = 2 ** Math.max(level - IN_BLOCK_LEVELS, 0) * blockRowsOf(widthOf(feature));
  // The low 11 bits are all that the weight depends on.
  const counts = new Uint32Array(2048);
  for (const m of meta) counts[m & 2047]!++;
  const places = new Map<number, number[]>();
  const weights = new Float64Array(2048);
  for (let m = 0; m < 2048; m++) {
    if (counts[m] === 0) continue;
    // On the grid a block stands for all rows up to the next point, however many it has itself.
    weights[m] = kept * strideOf(m) * (level > IN_BLOCK_LEVELS ? gridStep / ((m & 255) + 1) : 1);
    places.set(weights[m]!, []);
  }
  if (places.size === 1) return new Map([[[...places.keys()][0]!, keys.slice()]]);
  meta.forEach((m, i) => {
    places.get(weights[m & 2047]!)!.push(i);
  });
  return new Map([...places].map(([weight, list]) => [weight, pick(keys, list)]));
}

function pick<T extends Keys>(keys: T, places: readonly number[]): T {
  const out = keys.slice(0, places.length) as T;
  places.forEach((place, i) => {
    out[i] = keys[place]!;
  });
  return out;
}

/** Puts equal neighbours together. */
function countRuns(sorted: Keys, weight: number): Runs {
  const keys = sorted.slice();
  const weights = new Float64Array(sorted.length);
  let n = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i > 0 && sorted[i] === sorted[i - 1]) {
      weights[n - 1]! += weight;
      continue;
    }
    keys[n] = sorted[i]!;
    weights[n++] = weight;
  }
  return { keys: keys.slice(0, n), weights: weights.slice(0, n) };
}

function mergeRuns(a: Runs, b: Runs): Runs {
  if (a.keys.length === 0) return b;
  const size = a.keys.length + b.keys.length;
  const keys = new (a.keys.constructor as new (length: number) => Keys)(size);
  const weights = new Float64Array(size);
  let n = 0;
  for (let i = 0, j = 0; i < a.keys.length || j < b.keys.length; n++) {
    const first = j === b.keys.length || (i < a.keys.length && a.keys[i]! <= b.keys[j]!);
    const second = i === a.keys.length || (j < b.keys.length && b.keys[j]! <= a.keys[i]!);
    keys[n] = first ? a.keys[i]! : b.keys[j]!;
    weights[n] = (first ? a.weights[i]! : 0) + (second ? b.weights[j]! : 0);
    if (first) i++;
    if (second) j++;
  }
  return { keys: keys.slice(0, n), weights: weights.slice(0, n) };
}

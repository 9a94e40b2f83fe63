import { expect, test } from 'vitest';
import { StatisticsCollector } from '../../src/dataset/statistics-collector.js';
import { type FeatureStatistics, toStatisticsJson } from '../../src/dataset/statistics-json.js';
import { limitsFor, mergeStatistics, type PartialStatistics } from '../../src/dataset/statistics-partial.js';
import type { Column } from '../../src/records/batch.js';
import type { Feature, Schema } from '../../src/records/schema.js';
import { randomOf } from '../random.mjs';
import { bytesColumn, fixed, kernelColumns, text } from './column-builders.js';

const ROWS = 1024;

/** Statistics of `count` rows whose columns `make` gives for the rows [from, to), shared by two collectors. */
function collect(schema: Schema, count: number, make: (from: number, to: number) => Column[]): PartialStatistics {
  const columns = kernelColumns(schema, ROWS);
  // The tighter limits: those of a schema with many features.
  const limits = limitsFor(257);
  const collectors = [new StatisticsCollector(columns, limits), new StatisticsCollector(columns, limits)];
  for (let from = 0; from < count; from += ROWS) {
    const to = Math.min(from + ROWS, count);
    const made = make(from, to);
    const named = Object.fromEntries(schema.features.map(({ name }, i) => [name, made[i]!]));
    columns.fromBatch({ size: to - from, columns: named, mask: new Uint8Array(to - from).fill(1) });
    collectors[(from / ROWS) % 2]!.update(to - from, from);
  }
  return mergeStatistics(collectors[1]!.take(), collectors[0]!.take());
}

function statisticsOf(feature: Feature, count: number, make: (from: number, to: number) => Column): FeatureStatistics {
  const schema = { features: [feature] };
  return toStatisticsJson(
    collect(schema, count, (from, to) => [make(from, to)]),
    schema,
  ).features[0]!;
}

/** The largest distance between a quantile's rank among the sorted values and the one it stands for. */
function rankError(statistics: FeatureStatistics, sorted: ArrayLike<number>): number {
  const firstAbove = (limit: (v: number) => boolean): number => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (limit(sorted[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low / sorted.length;
  };
  const errors = Object.entries(statistics.quantiles!).map(([q, json]) => {
    const value = statistics.kind === 'float' ? Math.fround(Number(json)) : Number(json);
    const below = firstAbove((v) => v >= value);
    const upTo = firstAbove((v) => v > value);
    return Math.max(below - Number(q), Number(q) - upTo, 0);
  });
  return Math.max(...errors);
}

const float: Feature = { name: 'x', kind: 'float', shape: [], nullable: true };
const int64: Feature = { name: 'x', kind: 'int64', shape: [], nullable: true };

const random = randomOf(20240607);
const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const SHAPES: [string, Feature, (i: number, n: number) => number][] = [
  ['normal', float, normal],
  ['log-normal', float, () => Math.exp(2 * normal())],
  ['narrow, far from zero', float, () => 300 + 0.5 * random()],
  ['ascending', float, (i) => i / 3],
  ['descending', float, (_, n) => n - _],
  ['first half low, second half high', float, (i, n) => (2 * i < n ? random() : 100 + random())],
  ['one value half of the time', float, () => (random() < 0.5 ? 0 : normal())],
  ['a wave', float, (i) => Math.sin(i / 5000) + 0.01 * random()],
  ['times in milliseconds', int64, (i) => 1_700_000_000_000 + i * 997],
  ['wide integers', int64, () => Math.floor((random() - 0.5) * 2 ** 53)],
  ['few integers', int64, () => Math.floor(random() * 90)],
  ['many integers', int64, () => Math.floor(Math.exp(3 * normal()))],
];

for (const count of [1000, 20_000, 131_073, 600_000]) {
  test(`quantiles are within 1 % of rank for ${count} rows`, () => {
    for (const [name, feature, value] of SHAPES) {
      const all = feature.kind === 'float' ? new Float32Array(count) : new Float64Array(count);
      for (let i = 0; i < count; i++) all[i] = value(i, count);
      const statistics = statisticsOf(feature, count, (from, to) => fixed(all.slice(from, to)));
      all.sort();
      const error = rankError(statistics, all);
      expect.soft(error, `${name}: rank error`).toBeLessThanOrEqual(statistics.quantilesExact ? 1 / count : 0.01);
      const read = feature.kind === 'float' ? Math.fround : Number;
      expect.soft([statistics.min, statistics.max].map(Number).map(read), name).toEqual([all[0], all[count - 1]]);
    }
  });
}

test('quantiles are within 1 % of rank where millions of rows come in runs of similar values', () => {
  for (const count of [1_000_000, 4_000_000]) {
    for (const length of [64, 256, 300, 1024]) {
      let level = 0;
      const all = Float32Array.from({ length: count }, (_, i) => {
        if (i % length === 0) level = random();
        return level + 1e-5 * random();
      });
      const statistics = statisticsOf(float, count, (from, to) => fixed(all.slice(from, to)));
      const error = rankError(statistics, all.sort());
      expect.soft(error, `${count} rows in runs of ${length}`).toBeLessThanOrEqual(0.01);
    }
  }
});

test('quantiles are within 1 % of rank where nearly all rows are missing, and in lists', () => {
  for (const share of [0.05, 0.005]) {
    const count = 600_000;
    const there: number[] = [];
    const statistics = statisticsOf(float, count, (from, to) => {
      const values = new Float32Array(to - from);
      const validity = new Uint8Array((to - from + 7) >> 3);
      for (let i = 0; i < to - from; i++) {
        if (random() >= share) continue;
        validity[i >> 3]! |= 1 << (i & 7);
        values[i] = normal() + from / 1e5;
        there.push(values[i]!);
      }
      return { ...fixed(values), validity };
    });
    expect(statistics.count).toBe(there.length);
    expect(statistics.missing).toBe(count - there.length);
    expect(rankError(statistics, Float64Array.from(there).sort())).toBeLessThanOrEqual(0.01);
  }
  for (const shape of ['ragged', [48]] as const) {
    const feature: Feature = { name: 'x', kind: 'float', shape };
    const all: number[] = [];
    const statistics = statisticsOf(feature, 20_000, (from, to) => {
      const offsets = new Int32Array(to - from + 1);
      for (let i = 0; i < to - from; i++)
        offsets[i + 1] = offsets[i]! + (shape === 'ragged' ? Math.floor(random() ** 3 * 60) : 48);
      const values = Float32Array.from({ length: offsets[to - from]! }, () => normal() + from / 1e4);
      for (const value of values) all.push(value);
      return shape === 'ragged' ? { layout: 'ragged', values, offsets } : { layout: 'fixed', values, shape };
    });
    expect(statistics.values).toBe(all.length);
    expect(rankError(statistics, Float64Array.from(all).sort())).toBeLessThanOrEqual(0.01);
  }
});

test('distinct values are counted within 2 % at 10^6, and exactly while there are few', () => {
  const count = 1_000_000;
  const schema: Schema = {
    features: [
      { name: 'all', kind: 'int64', shape: [] },
      { name: 'half', kind: 'float', shape: [] },
      { name: 'words', kind: 'bytes', shape: [] },
      { name: 'few', kind: 'bytes', shape: [] },
    ],
  };
  const partial = collect(schema, count, (from, to) => {
    const rows = Array.from({ length: to - from }, (_, i) => from + i);
    return [
      fixed(Float64Array.from(rows, (i) => i * 1_000_003)),
      fixed(Float32Array.from(rows, (i) => (i >> 1) / 8)),
      bytesColumn(rows.map((i) => text(`w${i % 250_000}`))),
      bytesColumn(rows.map((i) => text(`w${i % 250}`))),
    ];
  });
  const { features } = toStatisticsJson(partial, schema);
  const wanted = [count, count / 2, 250_000];
  wanted.forEach((n, i) => {
    expect(features[i]!.distinctExact).toBe(false);
    expect(Math.abs(features[i]!.distinct - n) / n).toBeLessThanOrEqual(0.02);
  });
  expect(features[3]).toMatchObject({ distinct: 250, distinctExact: true, topExact: true });
  expect(features[3]!.top.every((entry) => entry.count === 4000)).toBe(true);
});

test('means and deviations are those of exact arithmetic', () => {
  const count = 5000;
  const big = Float32Array.from({ length: count }, (_, i) => 1e7 + (i % 2));
  expect(statisticsOf(float, count, (from, to) => fixed(big.slice(from, to)))).toMatchObject({
    mean: 1e7 + 0.5,
    std: 0.5,
  });
  const cancelling = Float32Array.from({ length: count }, (_, i) => [3e38, 1, -3e38, 2, 1e-45][i % 5]!);
  const { mean, std } = statisticsOf(float, count, (from, to) => fixed(cancelling.slice(from, to)));
  expect(mean).toBe(0.6);
  expect(std! / 3e38).toBeCloseTo(Math.sqrt(2 / 5), 6);
  const huge = BigInt64Array.from({ length: count }, (_, i) => 2n ** 62n + BigInt(i % 3));
  const integers = statisticsOf(int64, count, (from, to) => fixed(huge.slice(from, to)));
  expect(integers).toMatchObject({ mean: 2 ** 62, min: String(2n ** 62n), max: String(2n ** 62n + 2n) });
  // A third each of 0, 1, 2, but for the last rows: 5000 = 3 x 1666 + 2.
  expect(integers.std).toBeCloseTo(Math.sqrt((1667 + 4 * 1666) / 5000 - ((1667 + 2 * 1666) / 5000) ** 2), 12);
});

test('the most frequent values are found with counts close to the truth', () => {
  const count = 400_000;
  const schema: Schema = {
    features: [
      { name: 'words', kind: 'bytes', shape: [] },
      { name: 'numbers', kind: 'int64', shape: [] },
      { name: 'spread', kind: 'float', shape: [] },
    ],
  };
  const truth = new Map<number, number>();
  const partial = collect(schema, count, (from, to) => {
    // A Zipf-like spread over 50,000 values.
    const ranks = Array.from({ length: to - from }, () => Math.floor(50_000 ** random()));
    for (const rank of ranks) truth.set(rank, (truth.get(rank) ?? 0) + 1);
    return [
      bytesColumn(ranks.map((rank) => text(`word ${rank}`))),
      fixed(Float64Array.from(ranks)),
      fixed(Float32Array.from(ranks, () => random())),
    ];
  });
  const [words, numbers, spread] = toStatisticsJson(partial, schema).features;
  for (const { top, topExact } of [words!, numbers!]) {
    expect(topExact).toBe(false);
    expect(top).toHaveLength(10);
    top.slice(0, 2).forEach(({ value }, i) => {
      expect(String(value)).toMatch(new RegExp(`^(word )?${i + 1}$`));
    });
    for (const { value, count: estimate } of top) {
      const exact = truth.get(Number(String(value).replace('word ', '')))!;
      expect(Math.abs(estimate - exact) / count).toBeLessThan(0.01);
    }
  }
  // Where no value repeats, none is called frequent.
  expect(spread!.top.every((entry) => entry.count < count / 1000)).toBe(true);
});

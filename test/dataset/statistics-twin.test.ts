import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StatisticsCollector } from '../../src/dataset/statistics-collector.js';
import {
  type ColumnPartial,
  mergeStatistics,
  type PartialStatistics,
  RECORD_BYTES,
  type StatisticsLimits,
} from '../../src/dataset/statistics-partial.js';
import { StatisticsTwin } from '../../src/dataset/statistics-twin.js';
import type { Feature, Schema } from '../../src/records/schema.js';
import { randomOf } from '../random.mjs';
import { type Cell, kernelColumns, type Row, text, toBatch } from './column-builders.js';

/** The items of a sample as text, in ascending order: samples are sets. */
function itemsOf(column: ColumnPartial): string[] {
  const { meta, values } = column.sample;
  const textOf = (i: number): string =>
    column.kind === 'bytes'
      ? Buffer.from(values.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES) as Uint8Array).toString('hex')
      : String(values[i]);
  return Array.from(meta, (m, i) => `${m} ${textOf(i)}`).sort();
}

function expectSame(got: PartialStatistics, want: PartialStatistics): void {
  expect(got.rows).toBe(want.rows);
  got.columns.forEach((column, i) => {
    const { sample, registers, ...rest } = column;
    const { sample: wantedSample, registers: wantedRegisters, ...wanted } = want.columns[i]!;
    expect(rest).toEqual(wanted);
    expect(Buffer.from(registers ?? []).equals(Buffer.from(wantedRegisters ?? []))).toBe(true);
    expect(sample.level).toBe(wantedSample.level);
    expect(itemsOf(column)).toEqual(itemsOf(want.columns[i]!));
  });
}

const kinds = fc.constantFrom<Feature['kind']>('int64', 'float', 'bytes');
const shapes = fc.constantFrom<Feature['shape']>([], [], [3], [2, 2], [300], [1025], 'ragged');
const features = fc.array(fc.record({ kind: kinds, shape: shapes }), { minLength: 1, maxLength: 3 });

/** Rows with few or many distinct values, holes, and the numbers at the edges. */
function makeRows(feature: Feature, count: number, random: () => number, variety: number): Row[] {
  const below = (n: number): number => Math.floor(random() * n);
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-45, 3.4e38, -1e-40];
  const cell = (): Cell => {
    const n = below(variety);
    if (feature.kind === 'bytes') return text('x'.repeat(n % 70) + n);
    if (feature.kind === 'float') return random() < 0.05 ? Math.fround(special[below(7)]!) : Math.fround(n / 7 - 3);
    const edge = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -1n][below(4)]!;
    return random() < 0.02 ? edge : BigInt(n - 5);
  };
  const width = feature.shape === 'ragged' ? -1 : feature.shape.reduce((a, b) => a * b, 1);
  const holes = random() < 0.5 ? 0 : random();
  return Array.from({ length: count }, () => {
    if (random() < holes) return null;
    return Array.from({ length: width < 0 ? below(9) * below(9) : width }, cell);
  });
}

const limits: StatisticsLimits = { entries: 16, numbers: 64, bytes: 24 };

test('kernel and twin collect the same, and any split of the calls merges to the same', () => {
  fc.assert(
    fc.property(
      features,
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.constantFrom(5, 100, 1_000_000),
      fc.integer(),
      (shapesOfFeatures, sizes, firstOrdinal, variety, seed) => {
        const random = randomOf(seed);
        const schema: Schema = { features: shapesOfFeatures.map((f, i) => ({ ...f, name: `f${i}` })) };
        const columns = kernelColumns(schema, 700);
        const whole = new StatisticsCollector(columns, limits);
        const parts = [new StatisticsCollector(columns, limits), new StatisticsCollector(columns, limits)];
        const twin = new StatisticsTwin(schema, limits);
        let ordinal = firstOrdinal;
        const widest = Math.max(...shapesOfFeatures.map(({ shape }) => Number(shape[0] ?? 1) || 1));
        for (const rows of sizes) {
          const size = Math.ceil(rows / (widest < 300 ? 1 : widest / 8));
          const batch = toBatch(
            schema,
            schema.features.map((f) => makeRows(f, size, random, variety)),
          );
          columns.fromBatch(batch);
          whole.update(size, ordinal);
          parts[random() < 0.5 ? 0 : 1]!.update(size, ordinal);
          twin.update(batch, ordinal);
          ordinal += size;
        }
        const wanted = twin.read();
        expectSame(whole.take(), wanted);
        const [a, b] = parts.map((part) => structuredClone(part.take()));
        expectSame(random() < 0.5 ? mergeStatistics(a!, b!) : mergeStatistics(b!, a!), wanted);
      },
    ),
    { numRuns: 60 },
  );
});

test('take starts anew', () => {
  const schema: Schema = { features: [{ name: 'f', kind: 'float', shape: [] }] };
  const columns = kernelColumns(schema, 300);
  const collector = new StatisticsCollector(columns, limits);
  const fill = (seed: number): void => {
    const random = randomOf(seed);
    columns.fromBatch(toBatch(schema, [Array.from({ length: 300 }, () => [random()])]));
    collector.update(300, 0);
  };
  fill(1);
  const first = collector.take();
  fill(2);
  collector.take();
  fill(1);
  expectSame(collector.take(), first);
  expectSame(mergeStatistics(collector.take(), structuredClone(first)), first);
});

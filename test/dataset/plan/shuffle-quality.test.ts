import { expect, test } from 'vitest';
import { orderQuality, shuffleBuffer } from '../../../src/dataset/plan/index.js';

const facts = (counts: readonly number[]) => ({
  parts: counts.map((records) => ({ records, bytes: records * 100 })),
  fingerprint: 'e'.repeat(64),
  remote: false,
});

test('the order of the dataset is not shuffled, a permutation of all records is', () => {
  expect(orderQuality(facts([5000, 5000]), {})).toMatchObject({ records: 10000, displacement: 0 });
  expect(orderQuality(facts([5000, 5000]), {}).autocorrelation).toBeGreaterThan(0.99);
  const global = orderQuality(facts([5000, 5000]), { shuffle: 'global' });
  expect(Math.abs(global.autocorrelation)).toBeLessThan(0.05);
  expect(global.displacement).toBeGreaterThan(0.25);
});

test('windows mix a sorted dataset better than a buffer of the same size', () => {
  for (const [records, size] of [
    [20_000, 10_000],
    [200_000, 10_000],
    [1_000_000, 10_000],
    [1_000_000, 65_536],
  ] as const) {
    const ours = orderQuality(facts([records / 4, records / 4, records / 2]), {
      shuffle: { window: size },
      globalBatchSize: 1024,
    });
    const buffer = shuffleBuffer(records, size);
    expect(ours.autocorrelation, `${records} in windows of ${size}`).toBeLessThan(buffer.autocorrelation);
    expect(ours.displacement).toBeGreaterThan(buffer.displacement);
  }
});

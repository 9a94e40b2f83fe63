import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDataset } from '../../src/dataset/open-dataset.js';
import type { Loss } from '../../src/records/index.js';
import { exampleSchema, examples, memory, readFile, writeDataset, writeFile } from './dataset-builders.js';

/** Bytes to damage, as shares of the file, and the share that is kept. */
const damage = fc.record({
  flips: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 4 }),
  keep: fc.oneof(fc.constant(1), fc.double({ min: 0.02, max: 1, noNaN: true })),
  index: fc.boolean(),
  kind: fc.constantFrom({}, { codec: 'gzip' }, { codec: 'gzip', memberRecords: 8 }),
  shuffle: fc.constantFrom(false, { window: 64, block: 8 }, 'global' as const),
});

test('batches of a damaged dataset hold what is whole at its place, and what is lost is masked and told once', async () => {
  let lostInAll = 0;
  await fc.assert(
    fc.asyncProperty(damage, async ({ flips, keep, index, kind, shuffle }) => {
      const { fs, files } = memory();
      const parts = ['a', 'b', 'c'].map(
        (name, i) => ({ name, payloads: examples(100 * i, 100 * i + 40), ...kind }) as const,
      );
      await writeDataset(fs, '/d', { parts, index, manifest: index });
      const bytes = (await readFile(fs, '/d/b')).slice(0);
      const cut = bytes.slice(0, Math.ceil(keep * bytes.length));
      for (const at of flips) cut[Math.floor(at * cut.length)]! ^= 0x41;
      await writeFile(fs, '/d/b', cut);
      const options = { files, schema: exampleSchema, policy: 'skip' } as const;
      await using dataset = await openDataset('memory:///d', options);
      const whole = new Set<number>();
      for (let i = 0; i < dataset.count; i++) {
        await dataset.get(i).then(
          ({ id }) => whole.add(id as number),
          () => undefined,
        );
      }
      const losses: Loss[] = [];
      const seen: number[] = [];
      let rows = 0;
      const reading = { globalBatchSize: 8, shuffle, tail: 'pad', onLoss: (loss: Loss) => losses.push(loss) } as const;
      for await (const { columns, mask, size } of dataset.batches(reading)) {
        const { values } = columns.id as { values: Float64Array };
        for (let i = 0; i < size; i++) if (mask[i] === 1) seen.push(values[i]!);
        rows += size;
      }
      expect(rows).toBe(8 * Math.ceil(dataset.count / 8));
      expect(seen.toSorted((a, b) => a - b)).toEqual([...whole].sort((a, b) => a - b));
      const lost = losses.reduce((sum, { count }) => sum + count, 0);
      expect(seen.length + lost).toBe(dataset.count);
      lostInAll += lost;
    }),
    { numRuns: 60 },
  );
  expect(lostInAll).toBeGreaterThan(100);
});

import { expect, test } from 'vitest';
import { openDataset } from '../../src/dataset/open-dataset.js';
import { openFiles } from '../../src/files/index.js';
import { countingFileSystem } from '../support/counting-file-system.js';
import { exampleSchema, examples, memory, writeDataset } from './dataset-builders.js';

const FILES = 10_000;
const parts = Array.from({ length: FILES }, (_, i) => ({
  name: `part-r-${String(i).padStart(5, '0')}`,
  payloads: examples(2 * i, 2 * i + 2),
}));

test('10,000 files with a manifest are opened by one listing; each is opened at most once, and few for the first batch', async () => {
  const { fs } = memory();
  await writeDataset(fs, '/d', { parts, manifest: { schema: exampleSchema } });
  const { fs: seen, counts } = countingFileSystem(fs);
  const files = openFiles({ drivers: { memory: seen } });
  for (const source of ['memory:///d', 'memory:///d/part*']) {
    counts.reset();
    const dataset = await openDataset(source, { files });
    expect(dataset.count).toBe(2 * FILES);
    expect([...counts.files.keys()]).toEqual(['/d/_manifest.json']);
    expect(counts.lists).toBe(1);
    expect(counts.requests).toBeLessThanOrEqual(6);
    for (const shuffle of [false, { window: 65536, block: 256 }] as const) {
      counts.reset();
      for await (const { mask } of dataset.batches({ globalBatchSize: 64, shuffle, rank: 1, worldSize: 4 })) {
        expect(mask).toHaveLength(16);
        break;
      }
      expect(Math.max(...[...counts.files.values()].map(({ opens }) => opens))).toBe(1);
      // Few files are as good as many bytes, and the first batch does not wait for those of later ones.
      expect(counts.opens).toBeLessThan(FILES / 4);
      expect([...counts.files.keys()].filter((path) => !path.startsWith('/d/part-'))).toEqual([]);
    }
    counts.reset();
    let rows = 0;
    for await (const { mask } of dataset.batches({ globalBatchSize: 1000, shuffle: { window: 8000, block: 256 } })) {
      rows += mask.filter((counts) => counts === 1).length;
    }
    expect(rows).toBe(2 * FILES);
    expect(Math.max(...[...counts.files.values()].map(({ opens }) => opens))).toBe(1);
    counts.reset();
    expect((await dataset.get(2 * FILES - 1)).id).toBe(2 * FILES - 1);
    expect(counts.requests).toBeLessThanOrEqual(5);
  }
});

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileFeatures, convert, openDataset, type Schema } from '../../../src/index.js';
import { scratchFolder } from '../../files/scratch.js';
import { cellsOf } from './columns.js';

const folder = await scratchFolder();

test("a dataset's own statistics prepare it: about 0 with deviation 1, quarters, the most frequent first", async () => {
  const spec: Schema = {
    features: [
      { name: 'x', kind: 'float', shape: [], nullable: true },
      { name: 'port', kind: 'bytes', shape: [] },
    ],
  };
  const rows = Array.from({ length: 1000 }, (_, i) => ({
    ...(i % 10 === 0 ? {} : { x: 50 + ((i * 7919) % 997) / 10 }),
    port: i % 2 === 0 ? 'often' : i % 5 === 0 ? 'rare' : 'some',
  }));
  const output = join(folder, 'dataset');
  await convert({ input: rows, output, spec, statistics: true, threads: 0 });
  await using dataset = await openDataset(output);
  const prepare = compileFeatures(
    [
      { op: 'bucketize', column: 'x', quantiles: [0.25, 0.5, 0.75], as: 'quarter' },
      { op: 'normalize', column: 'x' },
      { op: 'vocabulary', column: 'port', top: 2 },
    ],
    dataset,
  );
  let batches = 0;
  for await (const made of dataset.batches({ globalBatchSize: 1000, shuffle: false }).map(prepare)) {
    const x = (cellsOf(made, 'x') as number[]).filter((_, i) => i % 10 !== 0);
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    expect(mean).toBeCloseTo(0, 5);
    expect(x.reduce((sum, value) => sum + value * value, 0) / x.length).toBeCloseTo(1, 5);
    const quarters = cellsOf(made, 'quarter');
    for (const quarter of [0, 1, 2, 3]) {
      const share = quarters.filter((q) => q === quarter).length / x.length;
      expect(share).toBeGreaterThan(0.24);
      expect(share).toBeLessThan(0.26);
    }
    expect(quarters.filter((q) => q === -1).length).toBe(100);
    expect(cellsOf(made, 'port').slice(0, 6)).toEqual([1, 2, 1, 2, 1, 0]);
    batches++;
  }
  expect(batches).toBe(1);
});

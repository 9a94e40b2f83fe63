import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../src/convert/index.js';
import { type EpochOptions, openDataset } from '../../src/dataset/index.js';
import type { Schema } from '../../src/records/index.js';
import { canonicalBatch } from './canonical.js';
import { type CanonicalExample, tensorflowReads, withTempFolder } from './tensorflow.js';

const SCHEMA: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'x', kind: 'float', shape: [], default: -1 },
    { name: 'pair', kind: 'float', shape: [2] },
    { name: 'tags', kind: 'bytes', shape: 'ragged' },
    { name: 'name', kind: 'bytes', shape: [] },
  ],
};
const RECORDS = 5000;
const WORLD = 3;

const rows = Array.from({ length: RECORDS }, (_, id) => ({
  id,
  ...(id % 5 === 0 ? {} : { x: id / 3 }),
  pair: [id / 7, -id],
  tags: Array.from({ length: id % 4 }, (_, k) => `t${k}`),
  name: `é ${id}`,
}));

/** The rows of an epoch that count, in its global order: of each step those of all ranks, one behind the other. */
async function epoch(uri: string, options: EpochOptions): Promise<CanonicalExample[]> {
  await using dataset = await openDataset(uri, { scanCache: false });
  const steps: CanonicalExample[][] = [];
  for (let rank = 0; rank < (options.worldSize ?? 1); rank++) {
    let step = 0;
    for await (const batch of dataset.batches({ ...options, rank })) {
      steps[step] ??= [];
      steps[step++]!.push(...canonicalBatch(SCHEMA, batch).filter((_, row) => batch.mask[row] === 1));
    }
  }
  return steps.flat();
}

describe('the batches of an epoch', () => {
  it('hold what tf.data parses from the same files: plain, gzip, shuffled or not, on one rank or several', async () => {
    await withTempFolder(async (folder) => {
      for (const compression of ['none', 'gzip'] as const) {
        const output = join(folder, compression);
        await convert({ input: rows, output, spec: SCHEMA, partitions: 4, compression, memberBytes: 20_000 });
        const names = (await readdir(output)).filter((name) => name.startsWith('part')).sort();
        const paths = names.map((name) => join(output, name));
        const [read] = await tensorflowReads([
          { paths, compression: compression === 'none' ? 'plain' : 'gzip', schema: SCHEMA },
        ]);
        const parsed = read!.columns!;
        expect(parsed.id!.length).toBe(RECORDS);
        const values = (examples: CanonicalExample[]): Record<string, string[][]> =>
          Object.fromEntries(SCHEMA.features.map(({ name }) => [name, examples.map((example) => example[name]![1])]));
        expect(values(await epoch(output, { globalBatchSize: 512 }))).toEqual(parsed);
        expect(values(await epoch(output, { globalBatchSize: 512, worldSize: WORLD }))).toEqual(parsed);
        const shuffle = { window: 1024, block: 32 };
        const shuffled = await epoch(output, { globalBatchSize: 512, worldSize: WORLD, shuffle, seed: 5 });
        expect(values(shuffled)).not.toEqual(parsed);
        shuffled.sort((a, b) => Number(a.id![1][0]) - Number(b.id![1][0]));
        expect(values(shuffled)).toEqual(parsed);
      }
    });
  });
});

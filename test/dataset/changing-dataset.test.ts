import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDataset } from '../../src/dataset/open-dataset.js';
import { localFileSystem } from '../../src/files/index.js';
import { scratchFolder } from '../files/scratch.js';
import { exampleSchema, examples, failure, readFile, writeDataset, writeFile } from './dataset-builders.js';

const scratch = await scratchFolder();
const fs = localFileSystem();
const codecs = [{}, { codec: 'gzip' as const }, { codec: 'gzip' as const, memberRecords: 3 }];

test.each(codecs.flatMap((codec) => [true, false].map((index) => ({ ...codec, index }))))(
  'a file that changes or vanishes while the dataset is open (%o)',
  async ({ index, ...codec }) => {
    const folder = join(scratch, JSON.stringify([codec, index]));
    const path = join(folder, 'p');
    const write = (from: number): Promise<unknown> =>
      writeDataset(fs, folder, { parts: [{ name: 'p', payloads: examples(from, from + 20), ...codec }], index });
    await write(0);
    const dataset = await openDataset(folder, { schema: exampleSchema, scanCache: false });
    const bytes = await readFile(fs, path);
    expect((await dataset.get(7)).id).toBe(7);
    const changes: [string, () => Promise<unknown>][] = [
      ['longer', () => writeFile(fs, path, Buffer.concat([bytes, new Uint8Array(5)]))],
      ['shorter', () => writeFile(fs, path, bytes.slice(0, 40))],
      ['other bytes of the same length', () => writeFile(fs, path, new Uint8Array(bytes.length))],
      ['the same bytes later', () => utimes(path, new Date(), new Date(Date.now() + 5000))],
    ];
    const batches = async (): Promise<void> => {
      for await (const batch of dataset.batches({ globalBatchSize: 4 })) expect(batch.size).toBe(4);
    };
    await batches();
    for (const [, change] of changes) {
      await change();
      for (const read of [() => dataset.get(7), batches]) {
        const error = await failure(read(), 'SHARDFEED_CHANGED');
        expect(error.path).toBe(path);
        expect(error.message).toContain('open it again');
      }
    }
    await fs.delete(path);
    for (const read of [() => dataset.get(7), batches]) {
      expect((await failure(read(), 'SHARDFEED_NOT_FOUND')).path).toBe(path);
    }
    await failure(openDataset(path), 'SHARDFEED_NOT_FOUND');
  },
);

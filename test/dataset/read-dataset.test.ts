import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convert } from '../../src/convert/index.js';
import { readBatches } from '../../src/dataset/read-batches.js';
import { readRecords } from '../../src/dataset/read-records.js';
import type { FixedColumn } from '../../src/records/batch.js';
import type { Loss } from '../../src/records/losses.js';

const ROWS = 1000;
/** What every record takes, framed: the ids are of one length. */
const FRAME = 33;
let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'shardfeed-read-dataset-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let made = 0;
async function dataset(options: { compression?: 'gzip'; memberBytes?: number } = {}): Promise<string> {
  const output = join(root, `d${made++}`);
  const input = Array.from({ length: ROWS }, (_, i) => ({ id: 1_000_000 + i }));
  const spec = { features: [{ name: 'id', kind: 'int64' as const, shape: [] }] };
  await convert({ input, output, spec, partitions: 2, threads: 0, ...options });
  return output;
}

interface Read {
  ids: number[];
  mask: number[];
  losses: Loss[];
}

async function read(folder: string, policy: 'error' | 'skip' = 'error'): Promise<Read> {
  const result: Read = { ids: [], mask: [], losses: [] };
  const onLoss = (loss: Loss): void => void result.losses.push(loss);
  for await (const batch of readBatches(folder, { policy, onLoss, batchSize: 64 })) {
    result.ids.push(...((batch.columns.id as FixedColumn).values as Float64Array));
    result.mask.push(...batch.mask);
  }
  return result;
}

const ids = (lost: (i: number) => boolean): number[] =>
  Array.from({ length: ROWS }, (_, i) => (lost(i) ? 0 : 1_000_000 + i));
const mask = (lost: (i: number) => boolean): number[] => Array.from({ length: ROWS }, (_, i) => (lost(i) ? 0 : 1));

describe('a dataset with a manifest', () => {
  test('is read in its order, with its schema', async () => {
    const folder = await dataset();
    expect((await readFile(join(folder, 'part-r-00000'))).length).toBe((ROWS / 2) * FRAME);
    const { ids: found } = await read(folder);
    expect(found).toEqual(ids(() => false));
  });

  test('a part cut between records is refused, or keeps the rows that it lost', async () => {
    const folder = await dataset();
    await truncate(join(folder, 'part-r-00000'), 100 * FRAME);
    await expect(read(folder)).rejects.toMatchObject({ code: 'SHARDFEED_STALE' });
    const lost = (i: number): boolean => i >= 100 && i < 500;
    for (const withIndex of [true, false]) {
      if (!withIndex) await rm(join(folder, '_index'), { recursive: true });
      const { ids: found, mask: counted, losses } = await read(folder, 'skip');
      expect(found).toEqual(ids(lost));
      expect(counted).toEqual(mask(lost));
      expect(losses).toMatchObject([{ reason: 'truncated', record: 100, count: 400, atLeast: false }]);
    }
  });

  test('damage over several records is counted exactly, by the index', async () => {
    const folder = await dataset();
    const path = join(folder, 'part-r-00001');
    const bytes = await readFile(path);
    bytes.fill(0xff, 10 * FRAME + 5, 14 * FRAME + 5);
    await writeFile(path, bytes);
    await expect(read(folder)).rejects.toMatchObject({ code: 'SHARDFEED_CORRUPT_RECORD', path, record: 10 });
    const lost = (i: number): boolean => i >= 510 && i <= 514;
    const { ids: found, mask: counted, losses } = await read(folder, 'skip');
    expect(found).toEqual(ids(lost));
    expect(counted).toEqual(mask(lost));
    expect(losses.map((l) => [l.record, l.count, l.atLeast])).toEqual([10, 11, 12, 13, 14].map((r) => [r, 1, false]));
  });

  test('damage in a gzip part costs the member, exactly', async () => {
    const folder = await dataset({ compression: 'gzip', memberBytes: 50 * FRAME });
    const path = join(folder, 'part-r-00000.gz');
    const bytes = await readFile(path);
    bytes.fill(0, bytes.length / 2, bytes.length / 2 + 4);
    await writeFile(path, bytes);
    await expect(read(folder)).rejects.toMatchObject({ code: expect.stringMatching(/CORRUPT_(RECORD|STREAM)/) });
    const { ids: found, mask: counted, losses } = await read(folder, 'skip');
    expect(losses).toMatchObject([{ reason: 'damaged-stream', atLeast: false }]);
    const [{ record, count }] = losses as [Loss];
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(50);
    const lost = (i: number): boolean => i >= record && i < record + count;
    expect(found).toEqual(ids(lost));
    expect(counted).toEqual(mask(lost));
  });

  test('a missing part is refused, or keeps the rows that it lost', async () => {
    const folder = await dataset();
    await rm(join(folder, 'part-r-00001'));
    await expect(read(folder)).rejects.toMatchObject({ code: 'SHARDFEED_STALE' });
    await expect(readRecords(folder).next()).rejects.toMatchObject({ code: 'SHARDFEED_STALE' });
    const { ids: found, mask: counted } = await read(folder, 'skip');
    expect(found).toEqual(ids((i) => i >= 500));
    expect(counted).toEqual(mask((i) => i >= 500));
  });
});

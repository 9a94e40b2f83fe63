import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { convert } from '../../src/convert/index.js';
import { openDataset, qualityOf, shuffleBuffer } from '../../src/dataset/index.js';
import { withTempFolder } from './tensorflow.js';

const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('tensorflow_shuffle.py', import.meta.url));
const RECORDS = 100_000;
const BUFFER = 10_000;

it('windows mix sorted records better than a shuffle buffer of tf.data that holds as many', async () => {
  await withTempFolder(async (folder) => {
    const input = Array.from({ length: RECORDS }, (_, id) => ({ id }));
    await convert({ input, output: join(folder, 'sorted'), partitions: 3 });
    const dataset = await openDataset(join(folder, 'sorted'));
    const order: number[] = [];
    for await (const { columns, mask } of dataset.batches({ shuffle: { window: BUFFER }, globalBatchSize: 1024 })) {
      const ids = columns.id as { values: Float64Array };
      ids.values.forEach((id, row) => {
        if (mask[row] === 1) order.push(id);
      });
    }
    const { stdout } = await promisify(execFile)(python, [script, String(RECORDS), String(BUFFER), '7'], {
      maxBuffer: 1 << 26,
    });
    const theirs = qualityOf(Float64Array.from(JSON.parse(stdout) as number[]), RECORDS);
    const ours = qualityOf(Float64Array.from(order), RECORDS);
    expect(ours).toEqual(dataset.orderQuality({ shuffle: { window: BUFFER }, globalBatchSize: 1024 }));
    expect(ours.autocorrelation).toBeLessThan(theirs.autocorrelation);
    expect(ours.displacement).toBeGreaterThan(theirs.displacement);
    // What `plan --shuffle-quality` shows of a buffer is what tf.data does.
    const simulated = shuffleBuffer(RECORDS, BUFFER);
    expect(simulated.autocorrelation).toBeCloseTo(theirs.autocorrelation, 2);
    expect(simulated.displacement).toBeCloseTo(theirs.displacement, 2);
  });
});

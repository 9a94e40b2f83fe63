import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type BatchesOptions, type Dataset, openDataset } from '../../../src/dataset/index.js';
import { type BatchStream, mix, zip } from '../../../src/dataset/pipeline/index.js';
import type { Batch, FixedColumn } from '../../../src/records/index.js';
import { collect } from '../../support/collect.js';
import { exampleSchema, examples, memory, writeDataset } from '../dataset-builders.js';

let ds: Dataset;

beforeAll(async () => {
  const { fs, files } = memory();
  const parts = [0, 40, 41, 130].map((from, i, all) => ({
    name: `part-${i}`,
    payloads: examples(from, all[i + 1] ?? 200),
  }));
  await writeDataset(fs, '/d', { parts, index: true, manifest: { schema: exampleSchema } });
  ds = await openDataset('memory:///d', { files });
});

type Stream = BatchStream<Batch, unknown>;

/** What a training run might be made of. */
const pipelines: Record<string, (options: BatchesOptions) => Stream> = {
  'filter, repeat': (options) =>
    ds
      .batches(options)
      .filter({ row: ({ id }) => Number(id) % 3 > 0 })
      .repeat(3),
  'skip, take, repeat, prefetch': (options) => ds.batches(options).skip(1).take(3).repeat(2).prefetch({ bytes: 500 }),
  'mix of two orders': (options) =>
    mix([ds.batches(options), ds.batches({ ...options, seed: 99 }).map((batch) => batch)], [2, 1], {
      onEnd: 'continue',
    }),
  'zip of two columns': (options) =>
    zip([ds.batches({ ...options, columns: ['id'] }), ds.batches({ ...options, columns: ['word'] })]).repeat(2),
};

async function read(stream: Stream, most: number): Promise<{ batches: unknown[]; position: unknown }> {
  const batches: unknown[] = [];
  let position: unknown;
  for await (const { columns, mask, position: at } of stream) {
    batches.push([Array.from((columns.id as FixedColumn).values, Number), [...mask]]);
    position = JSON.parse(JSON.stringify(at));
    if (batches.length === most) break;
  }
  return { batches, position };
}

test.each(Object.keys(pipelines))('%s: batches of a dataset go on where they were stopped', async (name) => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        worldSize: fc.constantFrom(1, 2, 3),
        globalBatchSize: fc.constantFrom(12, 24),
        shuffle: fc.constantFrom(false as const, { window: 48, block: 4 }, 'global' as const),
        reuse: fc.boolean(),
        seed: fc.nat(5),
      }),
      fc.nat(20),
      async ({ worldSize, ...options }, stop) => {
        for (let rank = 0; rank < worldSize; rank++) {
          const build = (): Stream => pipelines[name]!({ ...options, rank, worldSize, tail: 'pad' });
          const whole = await read(build(), Number.POSITIVE_INFINITY);
          const before = await read(build(), 1 + (stop % whole.batches.length));
          const after = await read(build().from(before.position), Number.POSITIVE_INFINITY);
          expect([...before.batches, ...after.batches]).toEqual(whole.batches);
        }
      },
    ),
    { numRuns: 5 },
  );
});

test('a stream stopped at one number of workers goes on at another', async () => {
  const build = (rank: number, worldSize: number): Stream =>
    pipelines['filter, repeat']!({
      rank,
      worldSize,
      globalBatchSize: 24,
      shuffle: { window: 48, block: 4 },
      tail: 'pad',
    });
  const whole = await read(build(0, 1), Number.POSITIVE_INFINITY);
  const { position } = await read(build(1, 3), 11); // in the second epoch
  const rest: unknown[] = [];
  for (const rank of [0, 1]) rest.push((await read(build(rank, 2).from(position), Number.POSITIVE_INFINITY)).batches);
  const [left, right] = rest as [number[][][], number[][][]];
  const together = left.map(([ids, mask], step) => [
    [...ids!, ...right[step]![0]!],
    [...mask!, ...right[step]![1]!],
  ]);
  expect(together).toEqual(whole.batches.slice(11));
});

test('every epoch has an order of its own', async () => {
  const { batches } = await read(ds.batches({ globalBatchSize: 200, shuffle: { window: 64, block: 8 } }).repeat(3), 3);
  const orders = batches.map((batch) => (batch as number[][])[0]!);
  expect(new Set(orders.map((order) => JSON.stringify(order))).size).toBe(3);
  for (const order of orders)
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

test('batches that are skipped are not read, also behind operations that make one of each', async () => {
  const options = { globalBatchSize: 12, shuffle: { window: 48, block: 4 }, tail: 'pad' } as const;
  const whole = await collect(ds.batches(options));
  const made: number[] = [];
  const note = <B extends Batch>(batch: B): B => {
    made.push(batch.size);
    return batch;
  };
  for (const skipped of [0, 1, 5, whole.length, whole.length + 3, Number.POSITIVE_INFINITY]) {
    made.length = 0;
    const rest = await collect(ds.batches(options).map(note).skip(skipped));
    expect(rest).toEqual(whole.slice(skipped));
    expect(made).toHaveLength(rest.length);
  }
  expect(await collect(ds.batches(options).skip(2).skip(3))).toEqual(whole.slice(5));
  const { position } = whole[3]!;
  expect(await collect(ds.batches(options).from(position).skip(2))).toEqual(whole.slice(6));
  expect(await collect(ds.batches({ ...options, position }).skip(2))).toEqual(whole.slice(6));
  const taken = await collect(ds.batches(options).take(4).skip(2));
  expect(taken.map(({ position: { at } }) => at)).toEqual(whole.slice(2, 4).map(({ position: at }) => at));
  const before = ds.stats().records;
  await collect(ds.batches(options).skip(whole.length - 1));
  expect(ds.stats().records - before).toBeLessThanOrEqual(12);
});

test('a dataset that is closed ends the streams that were made before', async () => {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', {
    parts: [{ name: 'a', payloads: examples(0, 100) }],
    manifest: { schema: exampleSchema },
  });
  for (const operation of ['none', 'prefetch'] as const) {
    const dataset = await openDataset('memory:///d', { files });
    const batches = dataset.batches({ globalBatchSize: 2, shuffle: true });
    const stream = operation === 'none' ? batches : batches.prefetch({ bytes: 0 });
    const read = stream[Symbol.asyncIterator]();
    await read.next();
    await dataset.close();
    const closed = { code: 'SHARDFEED_USAGE', message: expect.stringMatching(/^the dataset is closed/) };
    const rest = async (): Promise<void> => {
      while ((await read.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject(closed);
    await expect(collect(stream)).rejects.toMatchObject(closed);
    await expect(dataset.get(1)).rejects.toMatchObject(closed);
    expect(() => dataset.batches()).toThrow(expect.objectContaining(closed));
  }
});

test('an error of a function tells of its batch what a reader can use', async () => {
  const failing = ds.batches({ globalBatchSize: 12, shuffle: true }).map(() => {
    throw new Error('no');
  });
  await expect(collect(failing.repeat(2))).rejects.toThrow(
    /^map \(operation 1 of the stream\) failed on the batch at position \{"epoch":0,"consumed":12\}: no$/,
  );
});

import { expect, test } from 'vitest';
import { mix } from '../../src/dataset/index.js';
import { refuseUnknown } from '../../src/dataset/known-options.js';
import { openDataset } from '../../src/dataset/open-dataset.js';
import { exampleSchema, examples, failure, memory, writeDataset } from './dataset-builders.js';

const NAMES = { globalBatchSize: true, perRankBatchSize: true, seed: true } as const;

test.each([
  ['globalBatchSise', 'of has no option "globalBatchSise": did you mean globalBatchSize?'],
  ['globalbatchsize', 'of has no option "globalbatchsize": did you mean globalBatchSize?'],
  ['batchSize', 'of has no option "batchSize": did you mean globalBatchSize?'],
  ['sed', 'of has no option "sed": did you mean seed?'],
  ['workers', 'of has no option "workers": there are globalBatchSize, perRankBatchSize, seed'],
  ['toString', 'of has no option "toString": there are globalBatchSize, perRankBatchSize, seed'],
])('an option that there is not: %s', (name, message) => {
  expect(() => refuseUnknown('of', { seed: 1, [name]: 2 }, NAMES)).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_USAGE', message }),
  );
});

test.each([null, 64, 'text'])('no object: %s', (options) => {
  expect(() => refuseUnknown('of', options as never, NAMES)).toThrow(/of takes an object of options, not /);
});

async function twelveRecords() {
  const { fs, files } = memory();
  await writeDataset(fs, '/d', {
    parts: [{ name: 'part-r-00000', payloads: examples(0, 12) }],
    index: true,
    manifest: { schema: exampleSchema },
  });
  return { files, dataset: await openDataset('memory:///d', { files }) };
}

test.each([
  [{ scemha: exampleSchema }, /no option "scemha": did you mean schema/],
  [{ cache: { bytes: 1e6, foldre: 'x' } }, /no option "foldre": did you mean folder/],
  [{ cache: true }, /cache takes an object/],
  [{ policy: 'ignore' }, /policy is "ignore"/],
  [{ policy: { quarantine: 'folder' } }, /policy is /],
])('openDataset refuses %j', async (options, message) => {
  const { files } = await twelveRecords();
  const error = await failure(openDataset('memory:///d', { files, ...options } as never), 'SHARDFEED_USAGE');
  expect(error.message).toMatch(message);
});

test.each([undefined, [], [''], new URL('file:///d')])('openDataset refuses the source %s', async (source) => {
  const error = await failure(openDataset(source as never), 'SHARDFEED_USAGE');
  expect(error.message).toMatch(/^openDataset /);
});

test.each([
  [{ batchSize: 4 }, /no option "batchSize": did you mean globalBatchSize/],
  [{ shuffle: { windows: 3 } }, /shuffle has no option "windows": did you mean window/],
])('batches, plan and orderQuality refuse %j', async (options, message) => {
  const { dataset } = await twelveRecords();
  expect(() => dataset.batches(options as never)).toThrow(message);
  expect(() => dataset.plan(options as never)).toThrow(message);
  expect(() => dataset.orderQuality(options as never)).toThrow(message);
});

test.each([
  [{ columns: 'id' }, /a list of names is wanted/],
  [{ int64: 'BigInt' }, /'number' or 'bigint' is wanted/],
  [{ prefetchBytes: '64MB' }, /a number of bytes from 0 is wanted/],
  [{ prefetchBytes: -1 }, /a number of bytes from 0 is wanted/],
])('batches refuses %j at once', async (options, message) => {
  const { dataset } = await twelveRecords();
  expect(() => dataset.batches(options as never)).toThrow(message);
});

test('plan takes the options of batches', async () => {
  const { dataset } = await twelveRecords();
  const options = { rank: 1, worldSize: 2, globalBatchSize: 4, columns: ['id'] };
  expect(dataset.plan(options)).toMatchObject({ steps: 3, worldSize: 2 });
});

test('operations of streams refuse options that they do not have', async () => {
  const { dataset } = await twelveRecords();
  const stream = dataset.batches();
  expect(() => stream.prefetch({ byte: 1 } as never)).toThrow(/did you mean bytes/);
  expect(() => stream.paddedBatch({ lenght: 1 } as never)).toThrow(/did you mean length/);
  expect(() => stream.paddedBatch({ columns: { id: { tolong: 1 } } } as never)).toThrow(/"id" has no option "tolong"/);
  expect(() => stream.map({ modul: './x.js' } as never)).toThrow(/did you mean module/);
  expect(() => stream.map({} as never)).toThrow(/a function, or { module }/);
  expect(() => stream.filter({ rows: () => true } as never)).toThrow(/filter wants a function/);
  expect(() => mix([stream], [1], { onend: 'stop' } as never)).toThrow(/did you mean onEnd/);
  expect(() => mix([stream], [1], { onEnd: 'go' } as never)).toThrow(/'stop' or 'continue'/);
});

test('a position that is text, or between batches, is none', async () => {
  const { dataset } = await twelveRecords();
  const options = { globalBatchSize: 4, shuffle: true } as const;
  for await (const { position } of dataset.batches(options)) {
    expect(() => dataset.batches({ ...options, position: JSON.stringify(position) })).toThrow(/JSON\.parse/);
    const between = { ...position, consumed: position.consumed - 1 };
    expect(() => dataset.batches({ ...options, position: between })).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_POSITION', message: expect.stringMatching(/no whole batches/) }),
    );
  }
});

import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { mix } from '../../src/dataset/index.js';
import { checkOptions } from '../../src/dataset/known-options.js';
import { openDataset } from '../../src/dataset/open-dataset.js';
import { collect } from '../support/collect.js';
import { exampleSchema, examples, failure, memory, writeDataset } from './dataset-builders.js';

const NAMES = { globalBatchSize: true, perRankBatchSize: true, seed: true } as const;

test.each([
  ['globalBatchSise', 'of has no option "globalBatchSise": did you mean globalBatchSize?'],
  ['globalbatchsize', 'of has no option "globalbatchsize": did you mean globalBatchSize?'],
  ['batchSize', 'of has no option "batchSize": did you mean globalBatchSize?'],
  ['batch_size', 'of has no option "batch_size": did you mean globalBatchSize?'],
  ['sed', 'of has no option "sed": did you mean seed?'],
  ['workers', 'of has no option "workers": there are globalBatchSize, perRankBatchSize, seed'],
  ['toString', 'of has no option "toString": there are globalBatchSize, perRankBatchSize, seed'],
])('an option that there is not: %s', (name, message) => {
  expect(() => checkOptions('of', { seed: 1, [name]: 2 }, NAMES)).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_USAGE', message }),
  );
});

test.each([null, 64, 'text'])('no object: %s', (options) => {
  expect(() => checkOptions('of', options as never, NAMES)).toThrow(/of takes an object of options, not /);
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
  [{ maxRecordBytes: '1MB' }, /maxRecordBytes is "1MB", a whole number from 1 is wanted/],
  [{ indexCacheBytes: -1 }, /indexCacheBytes is -1, a number of bytes from 0 is wanted/],
  [{ scanCache: true }, /scanCache is true, a folder or false is wanted/],
  [{ scanCache: '' }, /scanCache is "", a folder or false is wanted/],
  [{ files: {} }, /files is an object, what openFiles\(\) gives is wanted/],
  [{ signal: new AbortController() }, /signal is an object, an AbortSignal is wanted/],
  [{ cache: { bytes: '1GB' } }, /bytes is "1GB", a number of bytes from 0 is wanted/],
  [{ cache: { bytes: 1e6, folder: 7 } }, /folder is 7, text is wanted/],
  [{ cache: { bytes: 1e6, pageBytes: 0 } }, /pageBytes is 0, a whole number from 1 is wanted/],
])('openDataset refuses %j', async (options, message) => {
  const { files } = await twelveRecords();
  const error = await failure(openDataset('memory:///d', { files, ...options } as never), 'SHARDFEED_USAGE');
  expect(error.message).toMatch(message);
});

test.each([
  {},
  null,
  [],
  'id',
  { features: {} },
  { features: [{ name: 'id' }] },
  { features: [{ name: 'id', kind: 'int' }] },
])('openDataset refuses the schema %j', async (schema) => {
  const { files } = await twelveRecords();
  const error = await failure(openDataset('memory:///d', { files, schema } as never), 'SHARDFEED_SCHEMA_INVALID');
  expect(error.message).toMatch(/^invalid schema: /);
});

test('what is undefined is left out', async () => {
  const { files } = await twelveRecords();
  await using dataset = await openDataset('memory:///d', { files, signal: undefined, schema: undefined });
  expect(dataset.batches({ onLoss: undefined, columns: undefined, seed: undefined })).toBeDefined();
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
  [{ columns: ['id', 1] }, /columns is a list of 2, a list of names is wanted/],
  [{ checkCrc: 'no' }, /checkCrc is "no", true or false is wanted/],
  [{ reuse: 1 }, /reuse is 1, true or false is wanted/],
  [{ threads: -1 }, /threads is -1, a whole number from 0 is wanted/],
  [{ threads: 0.5 }, /threads is 0.5/],
  [{ allowAmplification: 3 }, /allowAmplification is 3, true or false is wanted/],
  [{ onLoss: 'log' }, /onLoss is "log", a function is wanted/],
  [{ onLoss: null }, /onLoss is null, a function is wanted/],
  [{ signal: {} }, /signal is an object, an AbortSignal is wanted/],
  [{ shuffle: { window: '1000' } }, /window is "1000", a whole number from 1 is wanted/],
  [{ shuffle: { block: 0 } }, /block is 0, a whole number from 1 is wanted/],
  [{ shuffle: 'yes' }, /shuffle is "yes"/],
  [{ lanes: '4', shuffle: true }, /lanes is "4", a whole number from 1 is wanted/],
  [{ rank: '0' }, /rank is "0"/],
  [{ rank: 1 }, /rank is 1, wanted is 0, for 1 worker: is worldSize given/],
  [{ rank: 2, worldSize: 2 }, /rank is 2, wanted is 0 to 1, for 2 workers/],
  [{ worldSize: 1.5 }, /worldSize is 1.5/],
  [{ globalBatchSize: '64' }, /globalBatchSize is "64", a whole number from 1 is wanted/],
  [{ perRankBatchSize: 0 }, /perRankBatchSize is 0/],
  [{ tail: 'wrap' }, /tail is "wrap"/],
  [{ mode: 'files' }, /mode is "files"/],
  [{ seed: 'a' }, /seed is "a"/],
  [{ epoch: -1 }, /epoch is -1/],
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
  expect(() => stream.map('./x.js' as never)).toThrow(/a function of a batch, or { module }/);
  expect(() => stream.map({} as never)).toThrow(/a function, or { module }/);
  expect(() => stream.filter({ rows: () => true } as never)).toThrow(/filter wants a function/);
  expect(() => mix([stream], [1], { onend: 'stop' } as never)).toThrow(/did you mean onEnd/);
  expect(() => mix([stream], [1], { onEnd: 'go' } as never)).toThrow(/'stop' or 'continue'/);
  expect(() => stream.prefetch({ bytes: '1MB' } as never)).toThrow(
    /bytes is "1MB", a number of bytes from 0 is wanted/,
  );
  expect(() => stream.paddedBatch({ length: 1.5 })).toThrow(
    /length is 1.5, a whole number from 0 or 'longest' is wanted/,
  );
  expect(() => stream.paddedBatch({ tooLong: 'cut' } as never)).toThrow(
    /tooLong is "cut", 'error' or 'truncate' is wanted/,
  );
  expect(() => stream.map({ module: './x.js', export: 3 } as never)).toThrow(/export is 3, text is wanted/);
  for (const wrong of [0, -1, 1.5, '2']) expect(() => stream.repeat(wrong as never)).toThrow(/a whole number from 1/);
  for (const wrong of [-1, 1.5, '2']) expect(() => stream.take(wrong as never)).toThrow(/a whole number from 0/);
  for (const wrong of [-1, 1.5, '2']) expect(() => stream.skip(wrong as never)).toThrow(/a whole number from 0/);
  await expect(dataset.locality('node1' as never)).rejects.toThrow(/a list of hosts/);
});

test('a position of a stream behind operations belongs to `from`, a dataset shows what it is', async () => {
  const { dataset } = await twelveRecords();
  const [batch] = await collect(dataset.batches({ globalBatchSize: 4 }).repeat(1).take(1));
  const { position } = batch!;
  expect(() => dataset.batches({ position })).toThrow(/behind `take`: .*call from\(position\)/);
  expect(() => dataset.batches({ position: position.at })).toThrow(/behind `repeat`: /);
  expect(inspect(dataset)).toMatch(/12 records in 1 files.*id.*word/s);
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

test('a position beyond the epoch is none; that of its last step is one, also at smaller batches', async () => {
  const { dataset } = await twelveRecords();
  for (const options of [
    { globalBatchSize: 8 },
    { globalBatchSize: 8, shuffle: true },
    { globalBatchSize: 8, mode: 'file' },
  ] as const) {
    const read = await collect(dataset.batches(options));
    const { position } = read.at(-1)!;
    expect(position.consumed).toBe(16);
    expect(await collect(dataset.batches({ ...options, position }))).toEqual([]);
    for (const consumed of [16_000, 2 ** 52]) {
      expect(() => dataset.batches({ ...options, position: { ...position, consumed } })).toThrow(
        expect.objectContaining({ code: 'SHARDFEED_POSITION', message: expect.stringMatching(/the epoch has 12/) }),
      );
    }
  }
  const { position } = (await collect(dataset.batches({ globalBatchSize: 64 })))[0]!;
  expect(await collect(dataset.batches({ globalBatchSize: 4, position }))).toEqual([]);
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import {
  type Batch,
  compileFeatures,
  convert,
  decodeExample,
  openDataset,
  readRecords,
  toTensors,
} from '../../dist/index.js';
import { compileModel, fit, sgd } from '../../dist/train/index.js';
import { run } from '../cli/run.js';
import { scratchFolder } from '../files/scratch.js';

/** What every object has without being asked: names that a table may have, and that plain objects make something else of. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
const CSV = `${NAMES}\n1,2,0.5,a,x|y\n3,4,1.5,b,z\n5,6,,c,\n`;

const scratch = await scratchFolder();
const input = join(scratch, 'in.csv');
await writeFile(input, CSV);

/** An object literal would set the prototype. */
const named = <T>(...values: T[]): Record<string, T> => Object.fromEntries(NAMES.map((name, i) => [name, values[i]!]));

async function firstBatch(folder: string, globalBatchSize = 3): Promise<Batch> {
  await using dataset = await openDataset(folder);
  for await (const batch of dataset.batches({ globalBatchSize, tail: 'pad' })) return batch;
  throw new Error('no batch');
}

test('columns of any names go from CSV through records to batches, features, tensors and a trained model', async () => {
  const output = join(scratch, 'out');
  const features = [
    { name: '__proto__', kind: 'int64', shape: [] },
    { name: 'constructor', kind: 'int64', shape: [] },
    { name: 'toString', kind: 'float', shape: [], default: 7 },
    { name: 'hasOwnProperty', kind: 'bytes', shape: [] },
    { name: 'valueOf', kind: 'bytes', shape: 'ragged', nullable: true },
  ] as const;
  const separator = Object.fromEntries([['valueOf', '|']]);
  await convert({ input, output, spec: { features }, csv: { separator }, statistics: true, threads: 0 });

  const records: string[] = [];
  for await (const record of readRecords(join(output, 'part-r-00000')))
    records.push(...Object.keys(decodeExample(record)));
  expect([...new Set(records)].sort()).toEqual(NAMES.toSorted());

  const batch = await firstBatch(output);
  expect(Object.keys(batch.columns)).toEqual(NAMES);
  expect(
    Object.entries(batch.columns)
      .slice(0, 3)
      .map(([, column]) => [...(column as { values: Float64Array }).values]),
  ).toEqual([
    [1, 3, 5],
    [2, 4, 6],
    [0.5, 1.5, 7],
  ]);

  const cast = Object.fromEntries([['__proto__', 'float32' as const]]);
  const { columns } = toTensors(batch, tf, { cast });
  expect(
    Object.entries(columns)
      .map(([name, tensor]) => [name, (tensor as tf.Tensor).dtype])
      .slice(0, 3),
  ).toEqual([
    ['__proto__', 'float32'],
    ['constructor', 'int32'],
    ['toString', 'float32'],
  ]);

  await using dataset = await openDataset(output);
  expect(dataset.statistics!.features.map(({ name }) => name)).toEqual(NAMES);
  const made = compileFeatures(
    [{ op: 'vocabulary', column: 'hasOwnProperty', values: ['a', 'b'], outOfVocabulary: 1 }],
    { schema: dataset.schema },
  );
  const spec = {
    towers: [
      {
        inputs: ['__proto__', 'toString', { column: 'hasOwnProperty', oneHot: 3 }],
        layers: [{ type: 'dense', units: 1 }],
      },
    ],
    loss: 'meanSquaredError',
    labels: ['constructor'],
  } as const;
  const { step } = await fit({
    model: compileModel(spec, { schema: { features } }),
    dataset,
    read: { globalBatchSize: 3 },
    prepare: (stream) => stream.map(made),
    optimizer: sgd({ learningRate: 0.01 }),
    checkpoint: { folder: join(scratch, 'checkpoints') },
  });
  expect(step).toBe(1);
});

test('options that go by names take any: rename, separator, model specs, splits', async () => {
  const output = join(scratch, 'renamed');
  const rename = named('a', 'b', 'c', 'd', '__proto__');
  await convert({ input, output, csv: { rename, separator: Object.fromEntries([['__proto__', '|']]) }, threads: 0 });
  expect(Object.keys((await firstBatch(output)).columns)).toEqual(['a', 'b', 'c', 'd', '__proto__']);

  const inputs = named<object>(
    { type: 'int' },
    { type: 'int' },
    { type: 'float', default: 0 },
    { type: 'str' },
    { type: 'str', default: '' },
  );
  const spec = { inputs };
  await convert({ input, output: join(scratch, 'spec'), spec, threads: 0 });
  expect(Object.keys((await firstBatch(join(scratch, 'spec'))).columns)).toEqual(NAMES);

  const split = Object.fromEntries([
    ['train', 0.5],
    ['__proto__', 0.5],
  ]);
  const split1 = convert({ input, output: join(scratch, 'split'), split, threads: 0 });
  await expect(split1).rejects.toMatchObject({
    code: 'SHARDFEED_USAGE',
    message: expect.stringContaining('a split name begins with no _'),
  });
});

test('the tool renames them, and tells of them', async () => {
  const args = ['convert', input, '--to', join(scratch, 'cli'), '--rename', '__proto__=first,valueOf=__proto__'];
  const { code, stderr } = await run(args);
  expect(code, stderr).toBe(0);
  const shown = await run(['head', join(scratch, 'cli')]);
  expect(shown.stdout.split('\n')[0]!.trim().split(/\s+/)).toEqual(['first', ...NAMES.slice(1, 4), '__proto__']);
});

test('a batch that lacks a column called constructor is told so', async () => {
  const spec = {
    towers: [{ inputs: [{ column: 'constructor', width: 1 }], layers: [{ type: 'dense', units: 1 }] }],
    loss: 'meanSquaredError',
    labels: ['y'],
  } as const;
  const batch: Batch = {
    size: 1,
    columns: { y: { layout: 'fixed', values: Float32Array.of(1), shape: [] } },
    mask: Uint8Array.of(1),
  };
  const training = fit({ model: compileModel(spec), batches: () => [batch], optimizer: sgd({ learningRate: 0.01 }) });
  await expect(training).rejects.toMatchObject({
    code: 'SHARDFEED_SCHEMA_MISMATCH',
    message: expect.stringContaining('is not in the batch'),
  });
});

import { expect, expectTypeOf, test } from 'vitest';
import { type Batch, type Dataset, type FixedColumn, openDataset, readBatches, type Schema } from '../../src/index.js';

const schema = {
  features: [
    { name: 'Age', kind: 'float', shape: [] },
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'Name', kind: 'bytes', shape: [] },
  ],
} as const satisfies Schema;

type BatchOf<G> = G extends AsyncGenerator<infer B> ? B : never;
type Fixed<N extends Float32Array | Float64Array | BigInt64Array> = FixedColumn<N, readonly []>;

test('the batches that are read are of the type that the options tell', () => {
  // Generators that never start: nothing is opened.
  const all = readBatches('nowhere', { schema });
  expectTypeOf<BatchOf<typeof all>>().toEqualTypeOf<Batch<typeof schema>>();
  const two = readBatches('nowhere', { schema, columns: ['id', 'Age'], int64: 'bigint' });
  expectTypeOf<BatchOf<typeof two>['columns']>().toEqualTypeOf<{
    readonly Age: Fixed<Float32Array>;
    readonly id: Fixed<BigInt64Array>;
  }>();
  const inline = readBatches('nowhere', { schema: { features: [{ name: 'x', kind: 'float', shape: [] }] } });
  expectTypeOf<BatchOf<typeof inline>['columns']>().toEqualTypeOf<{ readonly x: Fixed<Float32Array> }>();
  expect([all, two, inline].every((batches) => Symbol.asyncIterator in batches)).toBe(true);
});

test('without a schema literal they may hold any columns', () => {
  const any = readBatches('nowhere', { columns: ['Age'] });
  expectTypeOf<BatchOf<typeof any>>().toEqualTypeOf<Batch>();
  const given: Schema = schema;
  const some = readBatches('nowhere', { schema: given, columns: ['Age'], int64: 'number' });
  expectTypeOf<BatchOf<typeof some>>().toEqualTypeOf<Batch>();
  expect([any, some].every((batches) => Symbol.asyncIterator in batches)).toBe(true);
});

type InStream<T> = T extends AsyncIterable<infer B> ? B : never;

test('a dataset that is opened with a schema literal passes it on to its batches', () => {
  const open = () => openDataset('nowhere', { schema });
  type Opened = Awaited<ReturnType<typeof open>>;
  expectTypeOf<Opened>().toEqualTypeOf<Dataset<typeof schema>>();
  expectTypeOf<Opened['schema']>().toEqualTypeOf<typeof schema>();
  expectTypeOf<Opened>().toExtend<Dataset>();
  const all = (dataset: Opened) => dataset.batches();
  expectTypeOf<InStream<ReturnType<typeof all>>['columns']>().toEqualTypeOf<Batch<typeof schema>['columns']>();
  const one = (dataset: Opened) => dataset.batches({ columns: ['id'], int64: 'bigint' });
  expectTypeOf<InStream<ReturnType<typeof one>>['columns']>().toEqualTypeOf<{ readonly id: Fixed<BigInt64Array> }>();
  const any = (dataset: Dataset) => dataset.batches({ columns: ['id'] });
  expectTypeOf<InStream<ReturnType<typeof any>>['columns']>().toEqualTypeOf<Batch['columns']>();
  expect([open, all, one, any]).toHaveLength(4);
});

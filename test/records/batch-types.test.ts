import { expect, expectTypeOf, test } from 'vitest';
import type { Batch, BytesColumn, Column, FixedColumn, RaggedColumn, Schema } from '../../src/index.js';
import { rowsToBatch } from '../../src/records/index.js';

const schema = {
  features: [
    { name: 'Age', kind: 'float', shape: [] },
    { name: 'id', kind: 'int64', shape: [], nullable: true },
    { name: 'matrix', kind: 'float', shape: [3, 2] },
    { name: 'history', kind: 'int64', shape: 'ragged' },
    { name: 'Name', kind: 'bytes', shape: [] },
    { name: 'tags', kind: 'bytes', shape: 'ragged' },
  ],
  labels: ['Age'],
} as const satisfies Schema;
type Columns = Batch<typeof schema>['columns'];

test('a schema literal names the columns of a batch and gives each its type', () => {
  expectTypeOf<keyof Columns>().toEqualTypeOf<'Age' | 'id' | 'matrix' | 'history' | 'Name' | 'tags'>();
  expectTypeOf<Columns['Age']>().toEqualTypeOf<FixedColumn<Float32Array, readonly []>>();
  expectTypeOf<Columns['Age']['values']>().toEqualTypeOf<Float32Array>();
  expectTypeOf<Columns['id']['values']>().toEqualTypeOf<Float64Array>();
  expectTypeOf<Columns['matrix']['shape']>().toEqualTypeOf<readonly [3, 2]>();
  expectTypeOf<Columns['history']>().toEqualTypeOf<RaggedColumn<Float64Array>>();
  expectTypeOf<Columns['Name']>().toEqualTypeOf<BytesColumn<readonly []>>();
  expectTypeOf<Columns['tags']['rowOffsets']>().toEqualTypeOf<Int32Array>();
  expectTypeOf<Columns['Age']['validity']>().toEqualTypeOf<Uint8Array | undefined>();
  expectTypeOf<'Agee'>().not.toExtend<keyof Columns>();
});

test('int64 columns that are read as bigint are BigInt64Array, and floats stay what they are', () => {
  type Exact = Batch<typeof schema, 'bigint'>['columns'];
  expectTypeOf<Exact['id']>().toEqualTypeOf<FixedColumn<BigInt64Array, readonly []>>();
  expectTypeOf<Exact['history']['values']>().toEqualTypeOf<BigInt64Array>();
  expectTypeOf<Exact['Age']['values']>().toEqualTypeOf<Float32Array>();
});

test('a batch without a schema literal may hold any columns', () => {
  expectTypeOf<Batch['columns']>().toEqualTypeOf<Readonly<Record<string, Column>>>();
  expectTypeOf<Batch<Schema>>().toEqualTypeOf<Batch>();
  expectTypeOf<Batch<typeof schema>>().toExtend<Batch>();
  expectTypeOf<Batch<typeof schema, 'bigint'>>().toExtend<Batch>();
  expectTypeOf<Batch<{ features: { name: 'x'; kind: 'int64' | 'float'; shape: [] }[] }>['columns']>().toEqualTypeOf<{
    readonly x: FixedColumn<Float32Array | Float64Array, []>;
  }>();
});

test('the types say what a batch holds', () => {
  const row = { Age: 1.5, id: 7, matrix: [1, 2, 3, 4, 5, 6], history: [1n], Name: 'a', tags: ['b', 'c'] };
  const { columns } = rowsToBatch([row], schema) as Batch<typeof schema, 'bigint'>;
  const values: number = columns.matrix.values[5]!;
  const id: bigint = columns.id.values[0]!;
  expect([values, id, columns.tags.rowOffsets[1], columns.Name.data[0]]).toEqual([6, 7n, 2, 97]);
});

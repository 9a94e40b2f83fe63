import { expect, expectTypeOf, test } from 'vitest';
import { type Batch, type FixedColumn, type LabelledBatch, type Schema, splitLabels } from '../../../src/index.js';
import { parseSchema, rowsToBatch } from '../../../src/records/index.js';

const schema = {
  features: [
    { name: 'x', kind: 'float', shape: [] },
    { name: 'y', kind: 'int64', shape: [] },
  ],
  labels: ['y'],
} as const satisfies Schema;

test('labels are parted from features, as the outputs of a model spec say', () => {
  const spec = parseSchema({ inputs: { x: { type: 'float' } }, outputs: { y: { type: 'int' } } });
  const batch = rowsToBatch([{ x: 1, y: 2 }], spec);
  expect(splitLabels(batch, spec)).toEqual({
    size: 1,
    features: { x: batch.columns.x },
    labels: { y: batch.columns.y },
    mask: batch.mask,
  });
});

test('of a schema literal the types of both are known', () => {
  const { features, labels } = splitLabels(rowsToBatch([{ x: 1, y: 2 }], schema) as Batch<typeof schema>, schema);
  expectTypeOf(features).toEqualTypeOf<{ readonly x: FixedColumn<Float32Array, readonly []> }>();
  expectTypeOf(labels).toEqualTypeOf<{ readonly y: FixedColumn<Float64Array, readonly []> }>();
  expectTypeOf<LabelledBatch['labels']>().toEqualTypeOf<Batch['columns']>();
  expect([features.x.values[0], Object.keys(labels)]).toEqual([1, ['y']]);
});

test('a schema without labels, and a batch without them, is refused', () => {
  const batch = rowsToBatch([{ x: 1, y: 2 }], schema);
  expect(() => splitLabels(batch, { features: schema.features })).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_USAGE' }),
  );
  expect(() => splitLabels({ ...batch, columns: { x: batch.columns.x! } }, schema)).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'y' }),
  );
});

import { expect, test } from 'vitest';
import { isShardfeedError, ShardfeedError } from '../../../src/errors.js';
import type { Batch, FixedColumn } from '../../../src/records/index.js';
import { collect } from '../../support/collect.js';
import { failureOf, firsts, Numbered, numbered } from './numbered.js';

function negate(batch: Batch): Batch {
  const id = batch.columns.id as FixedColumn;
  return { ...batch, columns: { id: { ...id, values: (id.values as Float64Array).map((value) => -value) } } };
}

test('gives what the function makes, one batch after the other, with the positions as they were', async () => {
  const plain = await collect(numbered());
  const mapped = await collect(numbered().map(negate));
  expect(mapped.map(({ columns }) => (columns.id as FixedColumn).values[1])).toEqual([-1, -101, -201, -301, -401]);
  expect(mapped.map(({ position }) => position)).toEqual(plain.map(({ position }) => position));
});

test('the function may be async, may add what is no column, and may make another number of rows', async () => {
  const half = async (batch: Batch) => {
    const id = batch.columns.id as FixedColumn;
    return { size: 1, columns: { id: { ...id, values: id.values.slice(1) } }, mask: batch.mask.slice(1), note: 'half' };
  };
  const batches = await collect(numbered().map(half).take(2));
  expect(batches.map(({ size, note }) => [size, note])).toEqual([
    [1, 'half'],
    [1, 'half'],
  ]);
});

test('an error of the function tells the operation and the batch, and keeps its code if it is ours', async () => {
  const source = new Numbered();
  const cause = new Error('no such word');
  const error = await failureOf(
    source.stream
      .filter(() => [true, true])
      .map(function lookUp(batch: Batch) {
        if ((batch.columns.id as FixedColumn).values[0] === 200) throw cause;
        return batch;
      }),
  );
  expect(error).toMatchObject({ code: 'SHARDFEED_PIPELINE', cause });
  expect((error as Error).message).toBe(
    'map "lookUp" (operation 2 of the stream) failed on the batch at position {"epoch":0,"done":3}: no such word',
  );
  expect(source.open).toBe(0);
  const ours = await failureOf(
    numbered().map(() => {
      throw new ShardfeedError('SHARDFEED_RANGE', 'too much', { column: 'id' });
    }),
  );
  expect(ours).toMatchObject({
    code: 'SHARDFEED_RANGE',
    column: 'id',
    message: expect.stringMatching(/^map \(op.*too much$/),
  });
});

test.each([
  ['nothing', undefined],
  ['something else', { size: 2 }],
  ['2 rows with a mask of 1', { size: 2, columns: {}, mask: new Uint8Array(1) }],
  ['a column "x" without layout', { size: 1, columns: { x: [1] }, mask: new Uint8Array(1) }],
])('a function that returned %s is told what a batch is', async (what, result) => {
  const error = await failureOf(numbered().map(() => result as unknown as Batch));
  expect(isShardfeedError(error, 'SHARDFEED_USAGE')).toBe(true);
  expect((error as Error).message).toContain(`it returned ${what}: a batch { size, columns, mask } is expected`);
});

test('an abort does not wait for a function that never ends', async () => {
  const controller = new AbortController();
  const source = new Numbered({ signal: controller.signal });
  const stuck = source.stream.map(() => {
    setImmediate(() => controller.abort());
    return new Promise<Batch>(() => {});
  });
  expect(await failureOf(stuck)).toMatchObject({ code: 'SHARDFEED_ABORTED' });
  expect(source.open).toBe(0);
});

test('the stream can be read again', async () => {
  const stream = numbered().map(negate);
  expect(await firsts(stream)).toEqual(await firsts(stream));
});

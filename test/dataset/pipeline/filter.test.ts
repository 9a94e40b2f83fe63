import { describe, expect, test } from 'vitest';
import { BatchStream } from '../../../src/dataset/pipeline/index.js';
import { type Batch, type FixedColumn, type Row, rows, rowsToBatch, type Schema } from '../../../src/records/index.js';
import { collect } from '../../support/collect.js';
import { failureOf, idsOf, numbered } from './numbered.js';

describe('rows that are left out', () => {
  test('keep their slot with mask 0, told by a mask, booleans or row by row', async () => {
    const expected = [0, 1, 2].map((n) => [n * 100, null]);
    const values = (batch: Batch) => (batch.columns.id as FixedColumn).values as Float64Array;
    const streams = [
      numbered({ batches: 3 }).filter((batch) => Uint8Array.from(values(batch), (id) => 1 - (id % 2))),
      numbered({ batches: 3 }).filter(async (batch) => [...values(batch)].map((id) => id % 2 === 0)),
      numbered({ batches: 3 }).filter({ row: ({ id }) => Number(id) % 2 === 0 }),
    ];
    for (const stream of streams) {
      expect(await idsOf(stream)).toEqual(expected);
      expect((await collect(stream)).map(({ size }) => size)).toEqual([2, 2, 2]);
    }
  });

  test('stay out, and are not asked again', async () => {
    const asked: unknown[] = [];
    const stream = numbered({ batches: 1, rows: 3 })
      .filter((batch) => batch.mask.map((_, i) => i % 2))
      .filter({ row: ({ id }) => asked.push(id) > 0 });
    expect(await idsOf(stream)).toEqual([[null, 1, null]]);
    expect(asked).toEqual([1]);
  });

  test('hold zeros and no values, in every layout, while the others stay', async () => {
    const schema: Schema = {
      features: [
        { name: 'number', kind: 'int64', shape: [] },
        { name: 'pair', kind: 'float', shape: [2] },
        { name: 'list', kind: 'float', shape: 'ragged', nullable: true },
        { name: 'text', kind: 'bytes', shape: [] },
        { name: 'texts', kind: 'bytes', shape: [2] },
        { name: 'words', kind: 'bytes', shape: 'ragged' },
      ],
    };
    const row = (n: number): Row => ({
      number: n,
      pair: [n, Number.NaN],
      list: n === 2 ? null : Array(n).fill(n),
      text: `${n}`.repeat(n),
      texts: [`${n}a`, 'b'],
      words: Array(n).fill(`w${n}`),
    });
    const empty: Row = { number: 0, pair: [0, 0], list: [], text: '', texts: ['', ''], words: [] };
    const batch = rowsToBatch([1, 2, 3, 4, 5].map(row), schema);
    const stream = new BatchStream({
      async *open() {
        yield { ...batch, position: {} };
      },
    });
    const [filtered] = await collect(stream.filter(() => [false, true, true, false, true]));
    const kept = [empty, row(2), row(3), empty, row(5)];
    expect([...rows(filtered!)]).toEqual([...rows(rowsToBatch(kept, schema))]);
    expect([...filtered!.mask]).toEqual([0, 1, 1, 0, 1]);
    expect([...rows(batch)]).toEqual([...rows(rowsToBatch([1, 2, 3, 4, 5].map(row), schema))]);
  });
});

test('what came is not changed, also where it lies in a Buffer', async () => {
  const data = Buffer.from('abc');
  const batch: Batch = {
    size: 3,
    columns: { text: { layout: 'bytes', data, offsets: Int32Array.of(0, 1, 2, 3), shape: [] } },
    mask: Buffer.of(1, 1, 1),
  };
  const stream = new BatchStream({
    async *open() {
      yield { ...batch, position: {} };
    },
  });
  const [filtered] = await collect(stream.filter(() => [0, 1, 0]));
  expect(filtered!.columns.text).toMatchObject({ data: Uint8Array.of(98), offsets: Int32Array.of(0, 0, 1, 1) });
  expect([data.toString(), ...batch.mask]).toEqual(['abc', 1, 1, 1]);
});

test('where nothing is left out, the columns are those that came', async () => {
  const batches: Batch[] = [];
  const stream = numbered().map((batch) => {
    batches.push(batch);
    return batch;
  });
  const filtered = await collect(stream.filter(() => [1, 1]));
  filtered.forEach((batch, i) => {
    expect(batch.columns).toBe(batches[i]!.columns);
  });
});

test.each([
  [undefined, 'nothing'],
  [[true], '1 values'],
  [false, 'false'],
])('a predicate that returns %j is an error', async (result, what) => {
  const error = await failureOf(numbered().filter(() => result as never));
  expect(error).toMatchObject({
    code: 'SHARDFEED_USAGE',
    message: `filter (operation 1 of the stream) failed on the batch at position {"epoch":0,"done":1}: it returned ${what}: one value for each of 2 rows is expected`,
  });
});

import * as arrow from 'apache-arrow';
import { expect, test, vi } from 'vitest';
import { toArrow } from '../../../src/dataset/adapters/index.js';
import {
  type Batch,
  type BytesColumn,
  type FixedColumn,
  type RaggedColumn,
  rowsToBatch,
} from '../../../src/records/index.js';
import { everyLayout, schema } from './batches.js';

const text = ['name', 'pair', 'words'];

/** What a table holds, as plain objects. */
function plain(table: arrow.Table): unknown {
  return JSON.parse(JSON.stringify(table.toArray(), (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
}

const expected = [
  {
    id: 1,
    score: 0.5,
    grid: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    tokens: [7, 8],
    name: 'ada',
    pair: ['a', 'b'],
    words: ['x', 'yz'],
    _mask: 1,
  },
  {
    id: -2,
    score: null,
    grid: [
      [6, 5, 4],
      [3, 2, 1],
    ],
    tokens: null,
    name: null,
    pair: ['', 'é'],
    words: [],
    _mask: 1,
  },
  {
    id: 3,
    score: -1,
    grid: [
      [0, 0, 0],
      [0, 0, 0],
    ],
    tokens: [],
    name: '',
    pair: ['c', 'd'],
    words: [''],
    _mask: 1,
  },
  {
    id: 4,
    score: 2,
    grid: [
      [9, 9, 9],
      [9, 9, 9],
    ],
    tokens: [9],
    name: 'eve',
    pair: ['e', 'f'],
    words: ['u', 'v', 'w'],
    _mask: 0,
  },
];

test('every layout becomes its Arrow type, also through IPC', () => {
  const recordBatch = toArrow(everyLayout(), { arrow, text });
  const types = recordBatch.schema.fields.map(({ name, type, nullable }) => [name, `${type}`, nullable]);
  expect(types).toEqual([
    ['id', 'Int64', false],
    ['score', 'Float32', true],
    ['grid', 'FixedSizeList[2]<FixedSizeList[3]<Float32>>', false],
    ['tokens', 'List<Int64>', true],
    ['name', 'Utf8', true],
    ['pair', 'FixedSizeList[2]<Utf8>', false],
    ['words', 'List<Utf8>', false],
    ['_mask', 'Uint8', false],
  ]);
  const table = new arrow.Table([recordBatch]);
  expect(plain(table)).toEqual(expected);
  expect(plain(arrow.tableFromIPC(arrow.tableToIPC(table)))).toEqual(expected);
});

test('bytes are Binary unless they are called text; int64 read as numbers is Float64', () => {
  const batch: Batch = {
    size: 1,
    columns: {
      raw: { layout: 'bytes', data: Uint8Array.of(255), offsets: Int32Array.of(0, 1), shape: [] },
      id: { layout: 'fixed', values: Float64Array.of(7), shape: [] },
    },
    mask: Uint8Array.of(1),
  };
  const recordBatch = toArrow(batch, { arrow, mask: false });
  expect(recordBatch.schema.fields.map(({ type }) => `${type}`)).toEqual(['Binary', 'Float64']);
  expect(recordBatch.get(0)?.toJSON()).toEqual({ raw: Uint8Array.of(255), id: 7 });
});

test('shares all memory of the batch', () => {
  const batch = everyLayout();
  const { columns, mask } = batch;
  const recordBatch = toArrow(batch, { arrow, text });
  const data = (name: string): arrow.Data => recordBatch.getChild(name)!.data[0]!;
  const same = (a: ArrayBufferView, b: ArrayBufferView | undefined) => {
    expect(a.byteLength).toBeGreaterThan(0);
    expect([a.buffer === b?.buffer, a.byteOffset]).toEqual([true, b?.byteOffset]);
  };
  const score = columns.score as FixedColumn;
  const tokens = columns.tokens as RaggedColumn;
  const words = columns.words as BytesColumn;
  const pair = columns.pair as BytesColumn;
  same(data('id').values, (columns.id as FixedColumn).values);
  same(data('score').values, score.values);
  same(data('score').nullBitmap!, score.validity);
  same(data('grid').children[0]!.children[0]!.values, (columns.grid as FixedColumn).values);
  same(data('tokens').valueOffsets, tokens.offsets);
  same(data('tokens').children[0]!.values, tokens.values);
  same(data('words').valueOffsets, words.rowOffsets);
  same(data('words').children[0]!.valueOffsets, words.offsets);
  same(data('words').children[0]!.values, words.data);
  same(data('pair').children[0]!.values, pair.data);
  same(data('_mask').values, mask);
});

test('the columns of one buffer are shared as well', () => {
  const memory = new ArrayBuffer(64);
  const values = new Float32Array(memory, 8, 4);
  values.set([1, 2, 3, 4]);
  const batch: Batch = {
    size: 4,
    columns: { a: { layout: 'fixed', values, shape: [] } },
    mask: new Uint8Array(memory, 0, 4),
  };
  const recordBatch = toArrow(batch, { arrow });
  expect(recordBatch.getChild('a')!.data[0]!.values.buffer).toBe(memory);
  expect([...recordBatch.getChild('a')!]).toEqual([1, 2, 3, 4]);
});

test('an empty batch is an empty table of the same schema', () => {
  const empty = toArrow(rowsToBatch([], schema), { arrow, text });
  expect(empty.numRows).toBe(0);
  expect(arrow.tableFromIPC(arrow.tableToIPC(new arrow.Table([empty]))).numCols).toBe(8);
});

test('the mask can have another name, and must have one of its own', () => {
  const batch = everyLayout();
  expect(toArrow(batch, { arrow, mask: 'counts' }).schema.fields.at(-1)?.name).toBe('counts');
  expect(() => toArrow(batch, { arrow, mask: 'id' })).toThrow(
    expect.objectContaining({ code: 'SHARDFEED_USAGE', column: 'id' }),
  );
});

test('loads the package when it is first used, or says how to install it', async () => {
  const recordBatch = await toArrow(everyLayout(), { text });
  expect(recordBatch).toMatchObject({ numRows: 4, numCols: 8 });
  vi.doMock('apache-arrow', () => {
    throw new Error('Cannot find package');
  });
  await expect(toArrow(everyLayout())).rejects.toMatchObject({
    code: 'SHARDFEED_UNSUPPORTED',
    message: 'Arrow needs the package apache-arrow: npm install apache-arrow',
  });
  vi.doUnmock('apache-arrow');
});

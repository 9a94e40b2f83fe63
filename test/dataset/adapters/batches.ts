import { type Batch, rowsToBatch, type Schema } from '../../../src/records/index.js';

export const schema: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'score', kind: 'float', shape: [], nullable: true },
    { name: 'grid', kind: 'float', shape: [2, 3] },
    { name: 'tokens', kind: 'int64', shape: 'ragged', nullable: true },
    { name: 'name', kind: 'bytes', shape: [], nullable: true },
    { name: 'pair', kind: 'bytes', shape: [2] },
    { name: 'words', kind: 'bytes', shape: 'ragged' },
  ],
};

/** Four rows with every layout, nulls, and a row that does not count. */
export function everyLayout(): Batch {
  const batch = rowsToBatch(
    [
      {
        id: 1,
        score: 0.5,
        grid: [1, 2, 3, 4, 5, 6],
        tokens: [7, 8],
        name: 'ada',
        pair: ['a', 'b'],
        words: ['x', 'yz'],
      },
      { id: -2, score: null, grid: [6, 5, 4, 3, 2, 1], tokens: null, name: null, pair: ['', 'é'], words: [] },
      { id: 3, score: -1, grid: [0, 0, 0, 0, 0, 0], tokens: [], name: '', pair: ['c', 'd'], words: [''] },
      { id: 4, score: 2, grid: [9, 9, 9, 9, 9, 9], tokens: [9], name: 'eve', pair: ['e', 'f'], words: ['u', 'v', 'w'] },
    ],
    schema,
  );
  batch.mask[3] = 0;
  return batch;
}

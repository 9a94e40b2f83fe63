import { expect, test } from 'vitest';
// Worker threads run built files, so the built package is what is tested here.
import { BatchStream, compileFeatures, type FeatureSpec } from '../../../dist/dataset/index.js';
import { type Batch, type Row, rowsToBatch, type Schema } from '../../../src/records/index.js';
import { collect } from '../../support/collect.js';

const schema: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'words', kind: 'bytes', shape: 'ragged', default: Uint8Array.of(255) },
  ],
};
const specs: FeatureSpec[] = [
  { op: 'vocabulary', column: 'words', values: ['a', { base64: '/w==' }], outOfVocabulary: 2, as: 'places' },
  { op: 'cross', columns: ['id', 'words'], buckets: 1000 },
  { op: 'multiHot', column: 'places' },
];

function batchOf(first: number): Batch {
  const rows = Array.from(
    { length: 50 },
    (_, i): Row => ({ id: first + i, words: ['a', `${first + i}`].slice(i % 2) }),
  );
  return rowsToBatch(rows, schema);
}

const stream = new BatchStream({
  async *open() {
    for (let done = 0; done < 12; done++) yield { ...batchOf(100 * done), position: { done } };
  },
});

test('worker threads make of batches what this thread makes, in their order', async () => {
  const prepare = compileFeatures(specs, { schema });
  const here = await collect(stream.map(prepare));
  expect(here.map(({ position }) => position)).toEqual(Array.from({ length: 12 }, (_, done) => ({ done })));
  expect(await collect(stream.map(prepare.inThreads(2)))).toEqual(here);
});

import type { Batch } from '../../records/index.js';
import { expectBatch } from './expect-batch.js';
import type { Positioned, StreamSource } from './source.js';
import { callUser } from './user-function.js';

/** Makes a batch of a batch, the same one each time: what a stream goes on with depends on nothing but the position. */
export type MapFunction<B extends Batch, R extends Batch> = (batch: B) => R | PromiseLike<R>;

/** Every batch as a function in this thread makes it, one after the other; the positions stay. */
export function mapSource<B extends Batch, P, R extends Batch>(
  source: StreamSource<B, P>,
  operation: string,
  apply: MapFunction<Positioned<B, P>, R>,
): StreamSource<R, P> {
  return {
    ...source,
    async *open(start) {
      for await (const batch of source.open(start)) {
        const { position } = batch;
        const mapped = await callUser(operation, position, start.signal, async () => expectBatch(await apply(batch)));
        yield { ...mapped, position };
      }
    },
  };
}

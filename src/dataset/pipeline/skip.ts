import type { Batch } from '../../records/index.js';
import type { StreamSource } from './source.js';

/** All but the first `least` batches. Positions lie behind those, so they stay as they are. */
export function skipSource<B extends Batch, P>(source: StreamSource<B, P>, least: number): StreamSource<B, P> {
  return {
    ...source,
    async *open(start) {
      let left = start.position === undefined ? least : 0;
      for await (const batch of source.open(start)) {
        if (left > 0) left--;
        else yield batch;
      }
    },
  };
}

import type { Batch } from '../../records/index.js';
import type { StreamSource } from './source.js';

/** All but the first `least` batches, which are read only where there is no other way. Positions lie behind those, so they stay as they are. */
export function skipSource<B extends Batch, P>(source: StreamSource<B, P>, least: number): StreamSource<B, P> {
  const { after } = source;
  if (after !== undefined) {
    const behind = (batches: number, epoch: number): P => after(least + batches, epoch);
    return {
      ...source,
      after: behind,
      open: (start) =>
        source.open(start.position === undefined ? { ...start, position: behind(0, start.epoch) } : start),
    };
  }
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

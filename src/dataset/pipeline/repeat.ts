import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/index.js';
import { checkPosition, count } from './composite-position.js';
import type { StreamSource } from './source.js';

/** The repetition, from 0, and where in it the stream before stands. */
export interface RepeatPosition<P> {
  readonly repeat: number;
  readonly at: P;
}

const schema = z.strictObject({ repeat: count, at: z.unknown() });

/**
 * The stream `epochs` times, each time of the next epoch, in its own order. One without batches ends it.
 * @throws SHARDFEED_USAGE for a stream that begins at a position
 */
export function repeatSource<B extends Batch, P>(
  source: StreamSource<B, P>,
  epochs: number,
): StreamSource<B, RepeatPosition<P>> {
  if (source.resumed === true) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      'a stream that begins at a position is the rest of one epoch, and cannot be repeated: write stream.repeat(n).from(position)',
    );
  }
  return {
    ...source,
    after: undefined,
    async *open({ position, epoch, signal }) {
      const from = position === undefined ? undefined : checkPosition('repeat', schema, position);
      const before = epoch === 0 ? 0 : epoch * epochs; // where it is repeated itself
      let at = from?.at as P | undefined;
      for (let repeat = from?.repeat ?? 0; repeat < epochs; repeat++) {
        let empty = at === undefined;
        for await (const batch of source.open({ position: at, epoch: before + repeat, signal })) {
          empty = false;
          yield { ...batch, position: { repeat, at: batch.position } };
        }
        if (empty) return;
        at = undefined;
      }
    },
  };
}

import { z } from 'zod';
import type { Batch } from '../../records/index.js';
import { checkPosition, count } from './composite-position.js';
import type { StreamSource } from './source.js';

/** How many batches were taken, and where the stream before it stands. */
export interface TakePosition<P> {
  readonly take: number;
  readonly at: P;
}

const schema = z.strictObject({ take: count, at: z.unknown() });

/** The first `most` batches. */
export function takeSource<B extends Batch, P>(
  source: StreamSource<B, P>,
  most: number,
): StreamSource<B, TakePosition<P>> {
  return {
    ...source,
    after: undefined,
    async *open(start) {
      const from = start.position === undefined ? undefined : checkPosition('take', schema, start.position);
      let taken = from?.take ?? 0;
      if (taken >= most) return;
      for await (const batch of source.open({ ...start, position: from?.at as P | undefined })) {
        yield { ...batch, position: { take: ++taken, at: batch.position } };
        if (taken >= most) return;
      }
    },
  };
}

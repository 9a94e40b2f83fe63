import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';
import type { Batch, Column } from '../../records/index.js';
import { checkPosition } from './composite-position.js';
import { type Joined, joinSources, openTogether } from './several.js';
import { BatchStream } from './stream.js';

/** Where each stream stands. */
export interface ZipPosition<P> {
  readonly zip: readonly P[];
}

/**
 * The columns of several streams side by side: batch by batch and row by row, as long as all of them have batches. A row counts
 * where it counts in all.
 * @throws SHARDFEED_USAGE, while it is read, for batches of different sizes or columns of the same name
 */
export function zip<S extends readonly BatchStream<Batch, unknown>[]>(
  streams: S,
): BatchStream<Batch, ZipPosition<Joined<S>['position']>> {
  type P = Joined<S>['position'];
  if (streams.length === 0) throw new ShardfeedError('SHARDFEED_USAGE', 'zip of no streams');
  const schema = z.strictObject({ zip: z.array(z.unknown()).length(streams.length) });
  return new BatchStream<Batch, ZipPosition<P>>({
    ...joinSources(streams),
    async *open({ position, epoch, signal }) {
      const from = position === undefined ? undefined : checkPosition('zip', schema, position);
      const reads = openTogether<Batch, P>(
        streams,
        streams.map((_, i) => from?.zip[i] as P | undefined),
        { epoch, signal },
      );
      try {
        for (;;) {
          const steps = await Promise.all(reads.iterators.map((iterator) => iterator.next()));
          const batches = steps.flatMap((step) => (step.done === true ? [] : [step.value]));
          if (batches.length < streams.length) return;
          yield { ...sideBySide(batches), position: { zip: batches.map((batch) => batch.position) } };
        }
      } finally {
        await reads.close();
      }
    },
  });
}

function sideBySide(batches: readonly Batch[]): Batch {
  const { size } = batches[0]!;
  const columns = new Map<string, Column>();
  for (const batch of batches) {
    if (batch.size !== size) {
      const sizes = batches.map((other) => other.size).join(', ');
      throw new ShardfeedError('SHARDFEED_USAGE', `zip of batches of ${sizes} rows: they must have the same`);
    }
    for (const [name, column] of Object.entries(batch.columns)) {
      if (columns.has(name)) {
        const what = `zip of two columns named ${JSON.stringify(name)}: rename one by map, or choose columns`;
        throw new ShardfeedError('SHARDFEED_USAGE', what, { column: name });
      }
      columns.set(name, column);
    }
  }
  const mask = batches[0]!.mask.map((_, row) => (batches.every((batch) => batch.mask[row] === 1) ? 1 : 0));
  return { size, columns: Object.fromEntries(columns), mask };
}

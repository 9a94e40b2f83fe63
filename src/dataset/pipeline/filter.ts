import { ShardfeedError } from '../../errors.js';
import { type Batch, cellOf, type DecodedRow } from '../../records/index.js';
import { showValue } from '../known-options.js';
import { clearRows } from './clear-rows.js';
import { mapSource } from './map.js';
import type { Positioned, StreamSource } from './source.js';

/** Which rows of a batch stay: one value a row, a mask or booleans. */
export type FilterFunction<B extends Batch> = (
  batch: B,
) => ArrayLike<number | boolean> | PromiseLike<ArrayLike<number | boolean>>;

/** Sugar: asked for one row after the other, those that the mask leaves out already excepted. */
export interface RowFilter {
  readonly row: (row: DecodedRow) => boolean;
}

/**
 * Leaves out rows: they keep their slot, with mask 0 and zeros or no values, so that sizes and steps do not shift and
 * nothing such as a NaN stays behind.
 */
export function filterSource<B extends Batch, P>(
  source: StreamSource<B, P>,
  operation: string,
  predicate: FilterFunction<Positioned<B, P>> | RowFilter,
): StreamSource<B, P> {
  const ask = typeof predicate === 'function' ? predicate : (batch: B) => maskRows(batch, predicate.row);
  return mapSource(source, operation, async (batch) => leaveOut(batch, await ask(batch)));
}

function maskRows(batch: Batch, isWanted: RowFilter['row']): Uint8Array {
  const columns = Object.entries(batch.columns);
  return batch.mask.map((counts, i) => {
    if (counts === 0) return 0;
    return isWanted(Object.fromEntries(columns.map(([name, column]) => [name, cellOf(column, i)]))) ? 1 : 0;
  });
}

function leaveOut<B extends Batch>(batch: B, wanted: ArrayLike<number | boolean>): B {
  if (wanted?.length !== batch.size) {
    const what =
      wanted?.length === undefined ? (wanted === undefined ? 'nothing' : showValue(wanted)) : `${wanted.length} values`;
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `it returned ${what}: one value for each of ${batch.size} rows is expected`,
    );
  }
  const cleared = batch.mask.map((counts, i) => (counts !== 0 && !wanted[i] ? 1 : 0));
  if (!cleared.includes(1)) return batch;
  const columns = Object.entries(batch.columns).map(([name, column]) => [name, clearRows(column, cleared)]);
  return {
    ...batch,
    columns: Object.fromEntries(columns),
    mask: batch.mask.map((counts, i) => counts & (cleared[i]! ^ 1)),
  };
}

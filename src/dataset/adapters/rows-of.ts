import type { Batch } from '../../records/index.js';
import { type DecodedRow, rows } from '../../records/index.js';

/** The rows of all batches that count, as objects; see `rows`. Sugar: a batch is many times as fast. */
export async function* rowsOf(batches: AsyncIterable<Batch>): AsyncGenerator<DecodedRow> {
  for await (const batch of batches) {
    let i = 0;
    for (const row of rows(batch)) if (batch.mask[i++] === 1) yield row;
  }
}

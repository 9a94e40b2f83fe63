import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/index.js';

/** What a function returned, if it is a batch: `size`, `columns` by name and a `mask` of a byte a row. @throws SHARDFEED_USAGE */
export function expectBatch<R extends Batch>(result: R): R {
  const { size, columns, mask } = (result ?? {}) as Partial<Batch>;
  if (!(mask instanceof Uint8Array) || typeof columns !== 'object' || columns === null) {
    throw wrong(`returned ${result === undefined ? 'nothing' : 'something else'}`);
  }
  if (mask.length !== size) throw wrong(`returned ${size} rows with a mask of ${mask.length}`);
  for (const [name, column] of Object.entries(columns)) {
    if (typeof column?.layout !== 'string') throw wrong(`returned a column ${JSON.stringify(name)} without layout`);
  }
  return result;
}

function wrong(what: string): ShardfeedError {
  return new ShardfeedError(
    'SHARDFEED_USAGE',
    `it ${what}: a batch { size, columns, mask } is expected, such as { ...batch, columns }`,
  );
}

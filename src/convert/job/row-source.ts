import { isShardfeedError, ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/batch.js';
import type { Row } from '../../records/row-values.js';
import { rowsToBatch } from '../../records/rows-to-batch.js';
import type { Schema } from '../../records/schema.js';
import type { Source, SourcedTask } from './source.js';

const ROWS_PER_BATCH = 1024;

/** Column batches, made elsewhere. */
export class BatchSource implements Source {
  readonly schema: Schema;
  readonly csv = [];
  readonly totalBytes = undefined;
  readonly #batches: AsyncIterable<Batch>;

  constructor(batches: AsyncIterable<Batch>, schema: Schema) {
    this.#batches = batches;
    this.schema = schema;
  }

  async *tasks(): AsyncGenerator<SourcedTask> {
    let firstRow = 0;
    for await (const batch of this.#batches) {
      yield { task: { kind: 'batch', firstRow, batch }, chunk: { firstLine: 0, offset: 0 }, inputBytes: 0 };
      firstRow += batch.size;
    }
  }
}

/**
 * Puts rows into batches. A row that does not fit the schema goes to `onBad`, with its ordinal; it is left out if that
 * returns.
 */
export async function* batchRows(
  rows: AsyncIterable<Row>,
  schema: Schema,
  onBad: (error: ShardfeedError, row: Row) => Promise<void>,
): AsyncGenerator<Batch> {
  let pending: Row[] = [];
  let done = 0;
  const batch = async (): Promise<Batch> => {
    const list = pending;
    const first = done;
    pending = [];
    done += list.length;
    try {
      return rowsToBatch(list, schema);
    } catch (error) {
      if (!isShardfeedError(error)) throw error;
      return rowsToBatch(await goodRows(list, first, schema, onBad), schema);
    }
  };
  for await (const row of rows) {
    pending.push(checkRow(row, done + pending.length));
    if (pending.length === ROWS_PER_BATCH) yield await batch();
  }
  if (pending.length > 0) yield await batch();
}

async function goodRows(
  rows: readonly Row[],
  first: number,
  schema: Schema,
  onBad: (error: ShardfeedError, row: Row) => Promise<void>,
): Promise<Row[]> {
  const good: Row[] = [];
  for (const [i, row] of rows.entries()) {
    try {
      rowsToBatch([row], schema);
      good.push(row);
    } catch (error) {
      if (!isShardfeedError(error)) throw error;
      await onBad(
        new ShardfeedError(error.code, `row ${first + i}: ${error.message}`, {
          record: first + i,
          column: error.column,
          cause: error,
        }),
        row,
      );
    }
  }
  return good;
}

function checkRow(row: unknown, ordinal: number): Row {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Row;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `row ${ordinal} of the input is ${row === null ? 'null' : typeof row}, an object is wanted`,
    {
      record: ordinal,
    },
  );
}

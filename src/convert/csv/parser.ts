import { COLUMN_BYTES, KernelColumns } from '../../records/kernel/columns.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import type { BadRow } from './bad-row.js';
import { CELL_BYTES, L, OP, P } from './kernel-state.js';
import type { CsvPlan } from './plan.js';
import { RowReader } from './row-reader.js';

export interface ParsedRows {
  /** Rows that lie in the columns now. */
  readonly rows: number;
  /** The row behind them, where it is bad. */
  readonly bad?: BadRow;
}

/** Parses chunks of whole CSV rows into columns, compiled once for a plan. No I/O: it runs in any thread. */
export class CsvParser {
  readonly columns: KernelColumns;
  readonly #reader: RowReader;

  /** `maxRows` is the most rows that `next` gives at a time. */
  constructor(kernel: Kernel, plan: CsvPlan, maxRows: number) {
    this.columns = new KernelColumns(kernel, plan.schema, maxRows);
    this.#reader = new RowReader(kernel, plan);
    this.#reader.set(P.MAX_ROWS, maxRows);
    this.#reader.set(P.USED_ROWS, maxRows);
    putPlan(this.#reader, plan, this.columns);
  }

  /** Takes a chunk of whole rows, as csvChunks cuts them, in place of the last; the bytes are copied. */
  load(chunk: Uint8Array): void {
    this.#reader.load(chunk);
  }

  /**
   * Fills the columns, from their start, with the next rows of the chunk. It stops at a bad row and, called again, goes
   * on behind it. `{ rows: 0 }` without a bad row: the chunk is done.
   */
  next(): ParsedRows {
    return this.#reader.next(this.#grow);
  }

  readonly #grow = (): void => {
    const reader = this.#reader;
    this.columns.grow(reader.get(P.GROW_COLUMN), reader.get(P.GROW_VALUES), reader.get(P.GROW_ITEMS));
  };
}

/** Tells the kernel which column each cell fills, and which columns no cell fills. */
function putPlan(reader: RowReader, plan: CsvPlan, columns: KernelColumns): void {
  const { schema, cells, separators } = plan;
  const { kernel } = reader;
  const filled = new Set(cells);
  const absent = schema.features.map((_, i) => i).filter((i) => !filled.has(i));
  const columnOf = (i: number): number => columns.address + i * COLUMN_BYTES;
  cells.forEach((feature, i) => {
    if (feature < 0) return;
    const separator = separators[feature];
    const scalar = { int64: OP.INT, float: OP.FLOAT, bytes: OP.BYTES }[schema.features[feature]!.kind];
    const between = new TextEncoder().encode(separator ?? '');
    const address = kernel.put(between);
    const at = reader.get(P.CELLS) + i * CELL_BYTES;
    kernel.view.setUint32(at + L.OP, separator === undefined ? scalar : OP.LIST, true);
    kernel.view.setUint32(at + L.COLUMN, columnOf(feature), true);
    kernel.view.setUint32(at + L.SEPARATOR, address, true);
    kernel.view.setUint32(at + L.SEPARATOR_LENGTH, between.length, true);
  });
  const list = kernel.alloc(4 * absent.length);
  absent.forEach((feature, i) => {
    kernel.view.setUint32(list + 4 * i, columnOf(feature), true);
  });
  reader.set(P.ABSENT, list);
  reader.set(P.ABSENT_COUNT, absent.length);
  reader.set(P.COLUMNS, columns.address);
  reader.set(P.COLUMN_COUNT, schema.features.length);
}

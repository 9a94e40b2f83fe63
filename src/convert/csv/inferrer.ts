import type { Kernel } from '../../records/kernel/kernel.js';
import { type BadRow, shownValue } from './bad-row.js';
import { type ColumnInference, type InferenceState, mergeInference, type NotedCell } from './inference.js';
import { CELL_BYTES, L, OP, P } from './kernel-state.js';
import { type RowPlan, RowReader } from './row-reader.js';

/** One column's state in the kernel, see assembly/csv-infer.ts. */
const F = {
  CLASSES: 0,
  NULLS: 4,
  BLANK_NULLS: 8,
  FIRST: 12,
  REGISTERS: 16,
  FLOAT_MIN: 20,
  FLOAT_MAX: 24,
  INT_MIN: 32,
  INT_MAX: 40,
} as const;
const COLUMN_STATE = 64;
const CLASSES = 5;
/** Bytes of a column's registers: the distinct count has a standard error of 1.2 %. */
const REGISTERS = 4096;
const FIRST_BYTES = 12 * CLASSES;
/** Above this many columns distinct values are not counted: the registers would take too much memory. */
const MOST_COUNTED = 10_000;
const ALL_ROWS = 0x7fffffff;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Where a chunk stands: what csvChunks says of it, and its file. */
export interface ChunkPlace {
  readonly path?: string;
  readonly firstRow: number;
  readonly firstLine: number;
}

/** Collects what the cells of CSV columns could be. No I/O: it runs in any thread. */
export class CsvInferrer {
  readonly #reader: RowReader;
  readonly #columns: number;
  #state: InferenceState;

  constructor(kernel: Kernel, plan: RowPlan) {
    this.#reader = new RowReader(kernel, plan);
    const count = plan.names.length;
    this.#columns = kernel.alloc(COLUMN_STATE * count);
    const firsts = kernel.alloc(FIRST_BYTES * count);
    const counted = count <= MOST_COUNTED;
    const registers = counted ? kernel.alloc(REGISTERS * count) : 0;
    const cells = this.#reader.get(P.CELLS);
    const { view } = kernel;
    for (let i = 0; i < count; i++) {
      const column = this.#columns + i * COLUMN_STATE;
      view.setUint32(cells + i * CELL_BYTES + L.OP, OP.INFER, true);
      view.setUint32(cells + i * CELL_BYTES + L.COLUMN, column, true);
      view.setUint32(column + F.FIRST, firsts + i * FIRST_BYTES, true);
      view.setUint32(column + F.REGISTERS, counted ? registers + i * REGISTERS : 0, true);
    }
    kernel.exports.csvInferInit!();
    this.#state = this.#empty();
    this.#clearRegisters();
  }

  /**
   * Takes in a chunk of whole rows, at most `maxRows` good ones of it.
   * @returns how many good rows were taken, and the bad ones, which are not
   */
  add(chunk: Uint8Array, place: ChunkPlace, maxRows = ALL_ROWS): { rows: number; bad: BadRow[] } {
    const reader = this.#reader;
    const bad: BadRow[] = [];
    let rows = 0;
    this.#clearColumns();
    reader.load(chunk);
    while (rows < maxRows) {
      reader.set(P.MAX_ROWS, maxRows - rows);
      const next = reader.next(() => {});
      rows += next.rows;
      if (next.bad !== undefined) bad.push(next.bad);
      else if (next.rows === 0) break;
    }
    this.#state = mergeInference(this.#state, this.#found(rows, place));
    return { rows, bad };
  }

  /** What was found since the last call; the caller owns it. */
  take(): InferenceState {
    const { kernel } = this.#reader;
    const columns = this.#state.columns.map((column, i) => {
      const from = this.#registers(i);
      return from === 0 ? column : { ...column, registers: kernel.u8.slice(from, from + REGISTERS) };
    });
    const taken = { rows: this.#state.rows, columns };
    this.#state = this.#empty();
    this.#clearRegisters();
    return taken;
  }

  #empty(): InferenceState {
    const columns = this.#reader.plan.names.map((name) => ({ name, first: [], nulls: 0, blankNulls: 0 }));
    return { rows: 0, columns };
  }

  #registers(column: number): number {
    return this.#reader.kernel.view.getUint32(this.#columns + column * COLUMN_STATE + F.REGISTERS, true);
  }

  #clearRegisters(): void {
    const { kernel, plan } = this.#reader;
    for (let i = 0; i < plan.names.length; i++) {
      const from = this.#registers(i);
      if (from !== 0) kernel.u8.fill(0, from, from + REGISTERS);
    }
  }

  #clearColumns(): void {
    const { kernel, plan } = this.#reader;
    const { view } = kernel;
    for (let i = 0; i < plan.names.length; i++) {
      const column = this.#columns + i * COLUMN_STATE;
      view.setUint32(column + F.CLASSES, 0, true);
      view.setUint32(column + F.NULLS, 0, true);
      view.setUint32(column + F.BLANK_NULLS, 0, true);
      view.setBigInt64(column + F.INT_MIN, INT64_MAX, true);
      view.setBigInt64(column + F.INT_MAX, INT64_MIN, true);
      view.setFloat32(column + F.FLOAT_MIN, Number.POSITIVE_INFINITY, true);
      view.setFloat32(column + F.FLOAT_MAX, Number.NEGATIVE_INFINITY, true);
    }
  }

  /** What the last chunk said. */
  #found(rows: number, place: ChunkPlace): InferenceState {
    const { view } = this.#reader.kernel;
    const columns = this.#reader.plan.names.map((name, i): ColumnInference => {
      const column = this.#columns + i * COLUMN_STATE;
      const intRange = [
        view.getBigInt64(column + F.INT_MIN, true),
        view.getBigInt64(column + F.INT_MAX, true),
      ] as const;
      const floatRange = [
        view.getFloat32(column + F.FLOAT_MIN, true),
        view.getFloat32(column + F.FLOAT_MAX, true),
      ] as const;
      return {
        name,
        first: this.#firsts(column, this.#state.columns[i]!, place),
        nulls: view.getUint32(column + F.NULLS, true),
        blankNulls: view.getUint32(column + F.BLANK_NULLS, true),
        ...(intRange[0] <= intRange[1] ? { intRange } : {}),
        ...(floatRange[0] <= floatRange[1] ? { floatRange } : {}),
      };
    });
    return { rows, columns };
  }

  /** The first cells of each class that this chunk has and that come before those known already. */
  #firsts(column: number, known: ColumnInference, place: ChunkPlace): (NotedCell | undefined)[] {
    const { view, u8 } = this.#reader.kernel;
    const classes = view.getUint32(column + F.CLASSES, true);
    return Array.from({ length: CLASSES }, (_, i) => {
      const before = known.first[i];
      if (((classes >> i) & 1) === 0 || (before !== undefined && before.order[0] < place.firstRow)) return undefined;
      const at = view.getUint32(column + F.FIRST, true) + 12 * i;
      const [row, start, end] = [0, 4, 8].map((k) => view.getUint32(at + k, true)) as [number, number, number];
      const { path } = place;
      return {
        path,
        order: [place.firstRow, this.#reader.offsetOf(start)],
        line: place.firstLine + this.#reader.linesBefore(row),
        value: shownValue(u8.subarray(start, end)),
      };
    });
  }
}

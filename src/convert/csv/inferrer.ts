import type { Kernel } from '../../records/kernel/kernel.js';
import { type BadRow, shownValue } from './bad-row.js';
import type { ColumnInference, InferenceState, NotedCell } from './inference.js';
import { CELL_BYTES, INFER, L, OP, P } from './kernel-state.js';
import { type RowPlan, RowReader } from './row-reader.js';

/** One column's state in the kernel, see assembly/csv-infer.ts. */
const F = {
  CLASSES: 0,
  FIRST: 4,
  REGISTERS: 8,
  NULLS: 16,
  BLANK_NULLS: 24,
  INT_MIN: 32,
  INT_MAX: 40,
  FLOAT_MIN: 48,
  FLOAT_MAX: 52,
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

/**
 * How much is looked for: `all`, or what the columns are alone, which is several times as fast: without counts of missing
 * and distinct values, and without ranges.
 */
export type InferenceDetail = 'all' | 'kinds';

/** Collects what the cells of CSV columns could be. No I/O: it runs in any thread. */
export class CsvInferrer {
  readonly #reader: RowReader;
  readonly #columns: number;
  /** Bytes of registers that each column has. */
  readonly #registers: number;
  #rows = 0;
  #first: (NotedCell | undefined)[][] = [];

  constructor(kernel: Kernel, plan: RowPlan, detail: InferenceDetail = 'all') {
    this.#reader = new RowReader(kernel, plan);
    const count = plan.names.length;
    this.#columns = kernel.alloc(COLUMN_STATE * count);
    this.#registers = detail === 'all' && count <= MOST_COUNTED ? REGISTERS : 0;
    const firsts = kernel.alloc(FIRST_BYTES * count);
    const registers = kernel.alloc(this.#registers * count);
    const { view } = kernel;
    for (let i = 0; i < count; i++) {
      const column = this.#columns + i * COLUMN_STATE;
      view.setUint32(this.#cell(i) + L.COLUMN, column, true);
      view.setUint32(column + F.FIRST, firsts + i * FIRST_BYTES, true);
      view.setUint32(column + F.REGISTERS, this.#registers === 0 ? 0 : registers + i * REGISTERS, true);
    }
    this.#reader.set(P.INFER, detail === 'all' ? INFER.ALL : INFER.KINDS);
    kernel.exports.csvInferInit!();
    this.#clear();
  }

  /**
   * Takes in a chunk of whole rows, at most `maxRows` good ones of it. Chunks come in the order of their rows.
   * @returns how many good rows were taken, and the bad ones, which are not
   */
  add(chunk: Uint8Array, place: ChunkPlace, maxRows = ALL_ROWS): { rows: number; bad: BadRow[] } {
    const reader = this.#reader;
    const bad: BadRow[] = [];
    let rows = 0;
    reader.load(chunk);
    while (rows < maxRows) {
      reader.set(P.MAX_ROWS, maxRows - rows);
      const next = reader.next(() => {});
      rows += next.rows;
      if (next.bad !== undefined) bad.push(next.bad);
      else if (next.rows === 0) break;
    }
    this.#rows += rows;
    this.#first.forEach((first, i) => {
      this.#noteFirst(this.#columns + i * COLUMN_STATE, first, place);
    });
    return { rows, bad };
  }

  /** What was found since the last call; the caller owns it. */
  take(): InferenceState {
    const { view, u8 } = this.#reader.kernel;
    const columns = this.#reader.plan.names.map((name, i): ColumnInference => {
      const column = this.#columns + i * COLUMN_STATE;
      const ints = [view.getBigInt64(column + F.INT_MIN, true), view.getBigInt64(column + F.INT_MAX, true)] as const;
      const floats = [
        view.getFloat32(column + F.FLOAT_MIN, true),
        view.getFloat32(column + F.FLOAT_MAX, true),
      ] as const;
      const registers = view.getUint32(column + F.REGISTERS, true);
      return {
        name,
        first: this.#first[i]!,
        nulls: Number(view.getBigUint64(column + F.NULLS, true)),
        blankNulls: Number(view.getBigUint64(column + F.BLANK_NULLS, true)),
        ...(ints[0] <= ints[1] ? { intRange: ints } : {}),
        ...(floats[0] <= floats[1] ? { floatRange: floats } : {}),
        ...(registers === 0 ? {} : { registers: u8.slice(registers, registers + REGISTERS) }),
      };
    });
    const taken = { rows: this.#rows, columns };
    this.#clear();
    return taken;
  }

  #cell(column: number): number {
    return this.#reader.get(P.CELLS) + column * CELL_BYTES;
  }

  #clear(): void {
    const { view, u8 } = this.#reader.kernel;
    const count = this.#reader.plan.names.length;
    for (let i = 0; i < count; i++) {
      const column = this.#columns + i * COLUMN_STATE;
      view.setUint32(this.#cell(i) + L.OP, OP.INFER, true);
      view.setUint32(column + F.CLASSES, 0, true);
      u8.fill(0, column + F.NULLS, column + F.INT_MIN);
      view.setBigInt64(column + F.INT_MIN, INT64_MAX, true);
      view.setBigInt64(column + F.INT_MAX, INT64_MIN, true);
      view.setFloat32(column + F.FLOAT_MIN, Number.POSITIVE_INFINITY, true);
      view.setFloat32(column + F.FLOAT_MAX, Number.NEGATIVE_INFINITY, true);
      const registers = view.getUint32(column + F.REGISTERS, true);
      u8.fill(0, registers, registers + this.#registers);
    }
    this.#rows = 0;
    this.#first = Array.from({ length: count }, () => new Array<NotedCell | undefined>(CLASSES).fill(undefined));
  }

  /** Keeps the first cells of the classes that the last chunk was the first to have. */
  #noteFirst(column: number, first: (NotedCell | undefined)[], { path, firstRow, firstLine }: ChunkPlace): void {
    const { view, u8 } = this.#reader.kernel;
    const classes = view.getUint32(column + F.CLASSES, true);
    for (let i = 0; i < CLASSES; i++) {
      if (((classes >> i) & 1) === 0 || first[i] !== undefined) continue;
      const at = view.getUint32(column + F.FIRST, true) + 12 * i;
      const [row, start, end] = [0, 4, 8].map((k) => view.getUint32(at + k, true)) as [number, number, number];
      first[i] = {
        path,
        order: [firstRow, this.#reader.offsetOf(start)],
        line: firstLine + this.#reader.linesBefore(row),
        value: shownValue(u8.subarray(start, end)),
      };
    }
  }
}

import { type BadRow, shownValue } from './bad-row.js';
import { parseDouble, parseInt64, trimBlanks } from './cells.js';
import { CLASS, type ColumnInference, type InferenceState, type NotedCell } from './inference.js';
import type { ChunkPlace } from './inferrer.js';
import type { CsvPlan } from './plan.js';
import type { RowPlan } from './row-reader.js';
import { type RawCell, type RawRow, tokenise } from './tokenise.js';
import { isBadRow, parseCsvPlainly } from './twin.js';

/**
 * What CsvInferrer finds in one chunk, in the plainest way and without the distinct count: its oracle. `floatRange` may
 * lack whole numbers that the kernel counts as floats once it has seen one; the conclusion is the same.
 */
export function inferPlainly(
  chunk: Uint8Array,
  plan: RowPlan,
  place: ChunkPlace,
): { state: InferenceState; bad: BadRow[] } {
  const columns = plan.names.map((name) => new PlainColumn(name));
  const bad: BadRow[] = [];
  let rows = 0;
  const outcomes = parseCsvPlainly(chunk, skippingPlan(plan));
  for (const raw of tokenise(chunk, plan.dialect, plan.blankRows)) {
    const outcome = outcomes.next().value;
    if (isBadRow(outcome)) {
      bad.push(outcome);
      continue;
    }
    rows++;
    raw.cells.forEach((cell, i) => {
      columns[i]!.add(chunk, raw, cell, plan, place);
    });
  }
  return { state: { rows, columns: columns.map((column) => column.found()) }, bad };
}

/** A plan that takes no cell: only the shape of rows is looked at. */
function skippingPlan(plan: RowPlan): CsvPlan {
  return { ...plan, schema: { features: [] }, cells: plan.names.map(() => -1), separators: [] };
}

class PlainColumn {
  readonly #name: string;
  readonly #first: (NotedCell | undefined)[] = [undefined, undefined, undefined, undefined, undefined];
  #nulls = 0;
  #blankNulls = 0;
  #ints: [bigint, bigint] | undefined;
  #floats: [number, number] | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  add(chunk: Uint8Array, row: RawRow, cell: RawCell, plan: RowPlan, place: ChunkPlace): void {
    const text = Buffer.from(chunk.subarray(cell.start, cell.end)).toString('latin1');
    const trimmed = trimBlanks(text);
    const tokens = cell.quoted && !plan.quotedNulls ? [] : plan.nulls;
    const isNull = (value: string): boolean => tokens.some((token) => Buffer.from(token).toString('latin1') === value);
    if (isNull(text)) this.#nulls++;
    else if (this.#first[CLASS.TEXT] !== undefined) return;
    else if (isNull(trimmed)) this.#blankNulls++;
    else {
      const found = this.#classify(trimmed);
      this.#first[found] ??= {
        path: place.path,
        order: [place.firstRow, cell.start],
        line: place.firstLine + chunk.subarray(0, row.start).filter((b) => b === 10).length,
        value: shownValue(Buffer.from(text, 'latin1')),
      };
    }
  }

  #classify(text: string): number {
    const number = parseDouble(text);
    if (/^(true|false)$/i.test(text) || /^[+-]?\d+$/.test(text)) {
      const value = parseInt64(text);
      if (typeof value === 'bigint') {
        this.#ints = widened(this.#ints, value);
        return number === undefined ? CLASS.BOOL : CLASS.INT;
      }
    }
    if (number === undefined) return CLASS.TEXT;
    const value = Math.fround(number);
    if (Number.isFinite(value)) this.#floats = widened(this.#floats, value);
    return /^[+-]?\d+$/.test(text) ? CLASS.BIG : CLASS.FLOAT;
  }

  found(): ColumnInference {
    return {
      name: this.#name,
      first: this.#first,
      nulls: this.#nulls,
      blankNulls: this.#blankNulls,
      intRange: this.#ints,
      floatRange: this.#floats,
    };
  }
}

function widened<T extends number | bigint>(range: [T, T] | undefined, value: T): [T, T] {
  if (range === undefined) return [value, value];
  return [value < range[0] ? value : range[0], value > range[1] ? value : range[1]];
}

import { ShardfeedError } from '../../errors.js';
import { own } from '../../own-properties.js';
import type { Batch, BytesColumn, Column, FixedColumn, RaggedColumn } from '../../records/index.js';
import { checkOptions, Kinds, type OptionKinds, oneOf } from '../known-options.js';
import { mapSource } from './map.js';
import type { StreamSource } from './source.js';

export interface Padding {
  /** Values that each row is to have. Default `'longest'`: as many as the batch's longest row has. */
  readonly length?: number | 'longest';
  /** What rows are filled up with. Default: zero, or the empty string. */
  readonly value?: number | bigint | string | Uint8Array;
  /** What is done with a row that has more: `'error'` (default), or `'truncate'`, which keeps the first values. */
  readonly tooLong?: 'error' | 'truncate';
  /** Name of a column that gets the number of values that each row had, at most `length`. Default: none. */
  readonly lengths?: string;
}

export interface PaddedBatchOptions extends Omit<Padding, 'lengths'> {
  /** The columns that are padded, each by what it says, else by what is said for all. Default: all that are ragged. */
  readonly columns?: Readonly<Record<string, Padding>>;
}

const COMMON = {
  length: {
    wanted: "a whole number from 0 or 'longest'",
    is: (value: unknown) => value === 'longest' || Kinds.count.is(value),
  },
  value: true,
  tooLong: oneOf('error', 'truncate'),
} as const;
const PADDING: OptionKinds<Padding> = { ...COMMON, lengths: Kinds.text };
const PADDED_OPTIONS: OptionKinds<PaddedBatchOptions> = { ...COMMON, columns: true };

/** Ragged columns become fixed ones of shape `[length]`; the others stay. */
export function paddedSource<B extends Batch, P>(
  source: StreamSource<B, P>,
  operation: string,
  options: PaddedBatchOptions,
): StreamSource<Batch, P> {
  checkOptions('paddedBatch', options, PADDED_OPTIONS);
  const { columns, ...common } = options;
  for (const [name, padding] of Object.entries(columns ?? {})) {
    checkOptions(`paddedBatch of ${JSON.stringify(name)}`, padding, PADDING);
  }
  return mapSource(source, operation, (batch: Batch) => {
    const padded = new Map(Object.entries(batch.columns));
    for (const name of Object.keys(columns ?? batch.columns)) {
      const column = padded.get(name);
      if (columns === undefined && !isRagged(column)) continue;
      if (!isRagged(column)) throw usage(name, column === undefined ? 'is not in the batch' : 'is not ragged');
      const padding: Padding = { ...common, ...own(columns, name) };
      const { to, counts } = lengthsIn(name, column, batch.size, padding);
      padded.set(
        name,
        column.layout === 'bytes'
          ? padBytes(name, column, counts, to, padding)
          : padNumbers(name, column, counts, to, padding),
      );
      if (padding.lengths === undefined) continue;
      if (padded.has(padding.lengths))
        throw usage(padding.lengths, `is there already, so it cannot hold the lengths of ${name}`);
      padded.set(padding.lengths, { layout: 'fixed', values: counts, shape: [] });
    }
    return { size: batch.size, columns: Object.fromEntries(padded), mask: batch.mask };
  });
}

type Ragged = RaggedColumn | (BytesColumn & { readonly rowOffsets: Int32Array });

function isRagged(column: Column | undefined): column is Ragged {
  return column?.layout === 'ragged' || (column?.layout === 'bytes' && column.rowOffsets !== undefined);
}

function rowOffsets(column: Ragged): Int32Array {
  return column.layout === 'ragged' ? column.offsets : column.rowOffsets;
}

/** The length of all rows, and how many values of each fit in. @throws SHARDFEED_TOO_LARGE */
function lengthsIn(name: string, column: Ragged, rows: number, { length = 'longest', tooLong = 'error' }: Padding) {
  const offsets = rowOffsets(column);
  const counts = Float64Array.from({ length: rows }, (_, row) => offsets[row + 1]! - offsets[row]!);
  const longest = counts.reduce((most, n) => Math.max(most, n), 0);
  const to = length === 'longest' ? longest : length;
  if (longest > to && tooLong === 'error') {
    const row = counts.indexOf(longest);
    const what = `row ${row} of column ${JSON.stringify(name)} has ${longest} values, more than ${to}: raise length, or say tooLong: 'truncate'`;
    throw new ShardfeedError('SHARDFEED_TOO_LARGE', what, { column: name });
  }
  return { to, counts: counts.map((n) => Math.min(n, to)) };
}

function padNumbers(
  name: string,
  column: RaggedColumn,
  counts: Float64Array,
  to: number,
  { value = 0 }: Padding,
): FixedColumn {
  const { offsets, validity } = column;
  const Numbers = column.values.constructor as Float64ArrayConstructor;
  const values = new Numbers(counts.length * to);
  values.fill(numberFor(name, column, value) as number);
  counts.forEach((n, row) => {
    values.set(column.values.subarray(offsets[row]!, offsets[row]! + n) as Float64Array, row * to);
  });
  return { layout: 'fixed', values, shape: [to], ...(validity && { validity }) };
}

function numberFor(name: string, { values }: RaggedColumn, value: NonNullable<Padding['value']>): number | bigint {
  const integer = !(values instanceof Float32Array);
  const right = integer ? typeof value === 'bigint' || Number.isSafeInteger(value) : typeof value === 'number';
  if (!right) throw usage(name, `holds ${integer ? 'int64' : 'float'}, and cannot be padded with ${String(value)}`);
  return values instanceof BigInt64Array ? BigInt(value as number | bigint) : Number(value);
}

function padBytes(
  name: string,
  column: BytesColumn & { readonly rowOffsets: Int32Array },
  counts: Float64Array,
  to: number,
  { value = '' }: Padding,
): BytesColumn {
  if (typeof value === 'number' || typeof value === 'bigint')
    throw usage(name, `holds bytes, and cannot be padded with ${value}`);
  const filler = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  const { validity } = column;
  const offsets = new Int32Array(counts.length * to + 1);
  const chunks: Uint8Array[] = [];
  let item = 0;
  counts.forEach((n, row) => {
    const first = column.rowOffsets[row]!;
    const start = column.offsets[first]!;
    const base = offsets[item]! - start;
    for (let k = first; k < first + n; k++) offsets[++item] = base + column.offsets[k + 1]!;
    chunks.push(column.data.subarray(start, column.offsets[first + n]!));
    for (let k = n; k < to; k++) {
      offsets[item + 1] = offsets[item]! + filler.length;
      item++;
      if (filler.length > 0) chunks.push(filler);
    }
  });
  const data = new Uint8Array(offsets[item]!);
  let at = 0;
  for (const chunk of chunks) {
    data.set(chunk, at);
    at += chunk.length;
  }
  return { layout: 'bytes', data, offsets, shape: [to], ...(validity && { validity }) };
}

function usage(column: string, what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `column ${JSON.stringify(column)} ${what}`, { column });
}

import { ShardfeedError } from '../../errors.js';
import type { BytesColumn, Column, FixedColumn, Numbers } from '../../records/batch.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import { evenOffsets } from './columns.js';

/** Does some work in a kernel's memory, all of which is free again after it. */
export function inScratch<T>(kernel: Kernel, work: () => T): T {
  const mark = kernel.mark();
  try {
    return work();
  } finally {
    kernel.release(mark);
  }
}

/** Items of bytes in a kernel's memory. */
export interface Items {
  readonly data: number;
  readonly offsets: number;
  /** One u64 an item: its FarmHash64. */
  readonly hashes: number;
}

/** Copies `count` items in and hashes them. @throws SHARDFEED_SCHEMA_MISMATCH where offsets lie outside of the data */
export function putItems(kernel: Kernel, name: string, { data, offsets }: BytesColumn, count: number): Items {
  const bytes = Math.min(Math.max(offsets[count]!, 0), data.length);
  const at = { data: kernel.put(data.subarray(0, bytes)), offsets: putInts(kernel, offsets, count + 1) };
  return { ...at, hashes: hashItems(kernel, name, at.data, bytes, at.offsets, count) };
}

/** Values of an int64 column in a kernel's memory, one i64 each. */
export function putInt64s(kernel: Kernel, values: Numbers, count: number): number {
  const address = kernel.alloc(8 * count);
  const { buffer } = kernel.memory;
  if (values instanceof BigInt64Array) {
    new BigInt64Array(buffer, address, count).set(values.subarray(0, count));
  } else {
    new Float64Array(buffer, address, count).set(values.subarray(0, count));
    kernel.exports.float64ToInt64!(address, count, address);
  }
  return address;
}

/** int64 values as items of 8 bytes each. */
export function int64Items(kernel: Kernel, name: string, data: number, count: number): Items {
  const offsets = putInts(kernel, evenOffsets(count, 8), count + 1);
  return { data, offsets, hashes: hashItems(kernel, name, data, 8 * count, offsets, count) };
}

/** One u64 a value: the FarmHash64 of bytes, or of the decimal text of an int64. */
export function textHashes(kernel: Kernel, name: string, column: Column, count: number): number {
  if (column.layout === 'bytes') return putItems(kernel, name, column, count).hashes;
  const values = putInt64s(kernel, (column as FixedColumn).values, count);
  kernel.exports.farmHashDecimals!(values, count, kernel.alloc(32), values);
  return values;
}

export function putInts(kernel: Kernel, ints: Int32Array, count: number): number {
  const address = kernel.alloc(4 * count);
  new Int32Array(kernel.memory.buffer, address, count).set(ints.subarray(0, count));
  return address;
}

/** A copy of f64 in a kernel's memory. */
export function floatsAt(kernel: Kernel, address: number, count: number): Float64Array {
  return new Float64Array(kernel.memory.buffer, address, count).slice();
}

/** Hashes in a kernel's memory, borrowed until the next `alloc`. */
export function hashesAt(kernel: Kernel, address: number, count: number): BigUint64Array {
  return new BigUint64Array(kernel.memory.buffer, address, count);
}

function hashItems(
  kernel: Kernel,
  column: string,
  data: number,
  bytes: number,
  offsets: number,
  count: number,
): number {
  const hashes = kernel.alloc(8 * count);
  const hashed = kernel.exports.farmHashItems!(data, bytes, offsets, count, hashes);
  if (hashed === count) return hashes;
  const what = `column ${JSON.stringify(column)}: item ${hashed} lies outside of its ${bytes} bytes of data`;
  throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', what, { column });
}

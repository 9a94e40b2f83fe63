import { ShardfeedError } from '../../errors.js';
import type { BytesColumn, Column, Numbers } from '../../records/batch.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import { evenOffsets } from './columns.js';

/** The hash of no bytes: a null's, unless it is given a class. */
export const EMPTY_HASH = 0x9ae16a3b2f90404fn;

/** The scratch of farmHashDecimals. */
const DECIMAL_SCRATCH = 64 * 24;

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
  readonly bytes: number;
  readonly offsets: number;
  /** One u64 an item: its FarmHash64. */
  readonly hashes: number;
}

/** Copies `count` items in and hashes them. @throws SHARDFEED_SCHEMA_MISMATCH where offsets lie outside of the data */
export function putItems(kernel: Kernel, name: string, column: BytesColumn, count: number): Items {
  return hashItems(kernel, name, putBytes(kernel, column, count), count, 0);
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

/** The values of a column as items: bytes, or the 8 bytes of each int64. */
export function putValues(kernel: Kernel, name: string, column: Column, count: number): Items {
  if (column.layout === 'bytes') return putItems(kernel, name, column, count);
  const data = putInt64s(kernel, column.values, count);
  const offsets = putInts(kernel, evenOffsets(count, 8), count + 1);
  return hashItems(kernel, name, { data, bytes: 8 * count, offsets }, count, 0);
}

/** The bucket of each value: of the FarmHash64 of bytes, or of the decimal text of an int64. */
export function textBuckets(
  kernel: Kernel,
  name: string,
  column: Column,
  count: number,
  buckets: number,
): Float64Array {
  if (column.layout === 'bytes') {
    const { hashes } = hashItems(kernel, name, putBytes(kernel, column, count), count, buckets);
    return floatsAt(kernel, hashes, count);
  }
  const values = putInt64s(kernel, column.values, count);
  kernel.exports.farmHashDecimals!(values, count, kernel.alloc(DECIMAL_SCRATCH), buckets, values);
  return floatsAt(kernel, values, count);
}

export function putInts(kernel: Kernel, ints: Int32Array, count: number): number {
  const address = kernel.alloc(4 * count);
  new Int32Array(kernel.memory.buffer, address, count).set(ints.subarray(0, count));
  return address;
}

export function putFloats(kernel: Kernel, values: Float32Array | Float64Array): number {
  return kernel.put(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/** A copy of f64 in a kernel's memory. */
export function floatsAt(kernel: Kernel, address: number, count: number): Float64Array {
  return new Float64Array(kernel.memory.buffer, address, count).slice();
}

function putBytes(kernel: Kernel, { data, offsets }: BytesColumn, count: number): Omit<Items, 'hashes'> {
  const bytes = Math.min(Math.max(offsets[count]!, 0), data.length);
  return { data: kernel.put(data.subarray(0, bytes)), bytes, offsets: putInts(kernel, offsets, count + 1) };
}

/** `hashes` are the numbers of buckets, where those are given. */
function hashItems(
  kernel: Kernel,
  column: string,
  items: Omit<Items, 'hashes'>,
  count: number,
  buckets: number,
): Items {
  const { data, bytes, offsets } = items;
  const hashes = kernel.alloc(8 * count);
  const hashed = kernel.exports.farmHashItems!(data, bytes, offsets, count, buckets, hashes);
  if (hashed === count) return { ...items, hashes };
  const what = `column ${JSON.stringify(column)}: item ${hashed} lies outside of its ${bytes} bytes of data`;
  throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', what, { column });
}

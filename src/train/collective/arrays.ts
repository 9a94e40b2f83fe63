import { ShardfeedError } from '../../errors.js';
import type { NumericArray } from '../numeric-array.js';
import type { ReduceOp } from './process-group.js';
import type { DataType } from './transport.js';

const OPS: readonly string[] = ['sum', 'mean', 'max', 'min'] satisfies ReduceOp[];

/** @throws SHARDFEED_USAGE unless a Float32Array, Float64Array or Int32Array */
export function dataTypeOf(array: NumericArray): DataType {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  if (array instanceof Int32Array) return 'int32';
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `collectives work on a Float32Array, Float64Array or Int32Array, not on ${Object.prototype.toString.call(array)}`,
  );
}

/** @throws SHARDFEED_USAGE */
export function checkReduction(op: ReduceOp): void {
  if (OPS.includes(op)) return;
  throw new ShardfeedError('SHARDFEED_USAGE', `there is no reduction ${JSON.stringify(op)}, only ${OPS.join(', ')}`);
}

/** @throws SHARDFEED_USAGE */
export function checkRoot(root: number, worldSize: number): void {
  if (Number.isInteger(root) && root >= 0 && root < worldSize) return;
  throw new ShardfeedError('SHARDFEED_USAGE', `there is no rank ${root} of ${worldSize} to broadcast from`);
}

export function arrayOn(buffer: ArrayBufferLike, type: DataType, address: number, count: number): NumericArray {
  if (type === 'float32') return new Float32Array(buffer, address, count);
  return type === 'float64' ? new Float64Array(buffer, address, count) : new Int32Array(buffer, address, count);
}

/** An array of the same type that holds the parts one behind the other. */
export function joinArrays<A extends NumericArray>(like: A, parts: readonly Uint8Array[]): A {
  const bytes = Buffer.concat(parts);
  const joined = arrayOn(new ArrayBuffer(bytes.length), dataTypeOf(like), 0, bytes.length / like.BYTES_PER_ELEMENT);
  new Uint8Array(joined.buffer).set(bytes);
  return joined as A;
}

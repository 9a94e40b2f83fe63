import type { TrainKernel } from '../kernel/train-memory.js';
import type { ReduceOp } from './process-group.js';
import type { DataType } from './transport.js';

export const ELEMENT_BYTES: Readonly<Record<DataType, number>> = { float32: 4, float64: 8, int32: 4 };

const SUFFIX: Readonly<Record<DataType, string>> = { float32: 'F32', float64: 'F64', int32: 'I32' };

/** The kernel's dst[i] = dst[i] (op) src[i], for `count` elements at two addresses. */
export function reducer(
  kernel: TrainKernel,
  type: DataType,
  op: Exclude<ReduceOp, 'mean'>,
): (dst: number, src: number, count: number) => void {
  return kernel[`${op}${SUFFIX[type]}`]!;
}

/** Divides in place, which makes sums means. */
export function divide(kernel: TrainKernel, type: DataType, address: number, divisor: number, count: number): void {
  kernel[`divide${SUFFIX[type]}`]!(address, divisor, count);
}

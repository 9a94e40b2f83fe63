import { ShardfeedError } from '../../errors.js';
import type { TrainKernel } from '../kernel/train-memory.js';

/** How gradients are kept small before weights follow from them. */
export interface Clipping {
  /** The largest norm of all gradients together; longer ones are scaled down to it (Pascanu et al., arXiv:1211.5063). */
  readonly globalNorm?: number;
  /** The largest absolute value; taken after the norm. */
  readonly value?: number;
}

/** @throws SHARDFEED_USAGE for limits that are no positive numbers */
export function checkClipping({ globalNorm, value }: Clipping): void {
  for (const [name, limit] of Object.entries({ globalNorm, value })) {
    if (limit === undefined || (typeof limit === 'number' && limit > 0)) continue;
    throw new ShardfeedError('SHARDFEED_USAGE', `clip.${name} is a number above 0, not ${String(limit)}`);
  }
}

/** The Euclidean norm of gradients in the kernel's memory: NaN or infinite where one of them is. */
export function normOf(kernel: TrainKernel, gradients: Float32Array): number {
  return Math.sqrt(kernel.sumSquaresF32!(gradients.byteOffset, gradients.length));
}

/** Clips gradients in the kernel's memory, given their norm. */
export function clip(
  kernel: TrainKernel,
  gradients: Float32Array,
  norm: number,
  { globalNorm, value }: Clipping,
): void {
  const { byteOffset, length } = gradients;
  if (globalNorm !== undefined && norm > globalNorm) kernel.scaleF32!(byteOffset, length, globalNorm / norm);
  if (value !== undefined) kernel.clampF32!(byteOffset, length, value);
}

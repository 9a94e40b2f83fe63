import { compareBytes } from '../files/paths.js';
import type { TrainMemory } from './kernel/train-memory.js';

/** Elements that lie behind a model's gradients: the sums that are reduced together with them, and room for vector loads. */
export const BEHIND_GRADIENTS = 16;

/** One tensor of a model in a flat buffer. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the flat buffer. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  /** Name of the optimizer that updates it, where there are several. */
  readonly group?: string;
}

/** Where a model's tensors lie in its flat float32 buffers: sorted by the UTF-8 bytes of their names, one behind the other. */
export interface ParameterLayout {
  readonly parameters: readonly Parameter[];
  /** Elements of all. */
  readonly size: number;
}

/** A zeroed flat buffer, with {@link BEHIND_GRADIENTS} more elements behind it in the memory. */
export function flatBuffer(memory: TrainMemory, { size }: ParameterLayout): Float32Array {
  return memory.array(Float32Array, size + BEHIND_GRADIENTS).subarray(0, size);
}

/** How many numbers a shape holds. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Lays tensors out, whatever the order in which they are given. */
export function layOut(
  tensors: readonly { name: string; shape: readonly number[]; group?: string }[],
): ParameterLayout {
  const sorted = tensors.toSorted((a, b) => compareBytes(a.name, b.name));
  let size = 0;
  const parameters = sorted.map((tensor) => {
    const elements = elementsOf(tensor.shape);
    const parameter = { ...tensor, offset: size, size: elements };
    size += elements;
    return parameter;
  });
  return { parameters, size };
}

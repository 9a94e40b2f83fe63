import type { TrainKernel } from '../../kernel/train-memory.js';

/** Rows of float32 in the shared memory. */
export interface Matrix {
  /** Address of the first number. */
  readonly at: number;
  /** Address of the gradients of the same layout; 0 where nobody wants any, as nothing before it is trained. */
  readonly gradient: number;
  /** Numbers a row. */
  readonly width: number;
  /** From row to row, in numbers: a multiple of 8. What lies behind the width is of no account. */
  readonly stride: number;
  /** Its values are wanted for the way back: what follows may not change them. */
  readonly kept: boolean;
}

/** One pass through a network. */
export interface Run {
  readonly rows: number;
  /** With the batch's statistics and with dropout; else with the moving statistics and without. */
  readonly training: boolean;
  readonly seed: number;
  readonly step: number;
  /** Of each row, in the step's global batch; only training needs them. */
  readonly rowNumbers: Uint32Array;
}

export interface Layer {
  readonly output: Matrix;
  forward(run: Run): void;
  /** Turns the gradient of the output into that of the input, and fills those of the parameters. */
  backward(run: Run): void;
}

/** What layers are made with. */
export interface LayerTools {
  readonly kernel: TrainKernel;
  /** Rows of the largest batch, a multiple of 4. */
  readonly capacity: number;
  /** Reserves zeroed bytes, 64-aligned. */
  alloc(bytes: number): number;
  floats(address: number, length: number): Float32Array;
  doubles(address: number, length: number): Float64Array;
  /** Address of a parameter, among weights or state. */
  parameter(name: string): number;
  /** Address of its gradient; 0 for what is not trained. */
  gradient(name: string): number;
  /** Adds up over the ranks, in place; absent where a rank's statistics are its own. */
  readonly reduce?: (sums: Float64Array) => void;
}

export function strideOf(width: number): number {
  return (width + 7) & ~7;
}

/** @param gradients whether there are any */
export function newMatrix(tools: LayerTools, width: number, gradients: boolean, kept = false): Matrix {
  const stride = strideOf(width);
  const bytes = tools.capacity * stride * 4;
  return { at: tools.alloc(bytes), gradient: gradients ? tools.alloc(bytes) : 0, width, stride, kept };
}

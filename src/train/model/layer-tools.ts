import type { TrainKernel } from '../kernel/train-memory.js';
import type { ParameterLayout } from '../parameters.js';
import type { LayerTools } from './layers/layer.js';
import type { ModelPlan } from './model-plan.js';

/** Where a network's parameters lie. */
export interface Addresses {
  readonly weights: number;
  readonly gradients: number;
  readonly state: number;
}

/** What the layers of a plan are made with, on a memory that threads share. */
export function layerTools(
  { layout, stateLayout }: ModelPlan,
  { kernel, wasm }: { readonly kernel: TrainKernel; readonly wasm: { readonly buffer: SharedArrayBuffer } },
  { weights, gradients, state }: Addresses,
  capacity: number,
  alloc: (bytes: number) => number,
  reduce?: (sums: Float64Array) => void,
): LayerTools {
  const find = ({ parameters }: ParameterLayout, at: number, name: string): number => {
    const parameter = parameters.find((one) => one.name === name);
    return parameter === undefined ? 0 : at + parameter.offset * 4;
  };
  return {
    kernel,
    capacity,
    alloc,
    floats: (address, length) => new Float32Array(wasm.buffer, address, length),
    doubles: (address, length) => new Float64Array(wasm.buffer, address, length),
    parameter: (name) => find(layout, weights, name) || find(stateLayout, state, name),
    gradient: (name) => find(layout, gradients, name),
    ...(reduce !== undefined && { reduce }),
  };
}

/** A part of the memory, from an address on, 64-aligned: whoever asks for the same in the same order gets the same. */
export function arena(base: number): { readonly top: number; alloc(bytes: number): number } {
  let top = base;
  return {
    get top() {
      return top;
    },
    alloc(bytes) {
      const address = (top + 63) & ~63;
      top = address + bytes;
      return address;
    },
  };
}

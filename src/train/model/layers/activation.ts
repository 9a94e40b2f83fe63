import type { Activation } from '../spec.js';
import { type Layer, type LayerTools, type Matrix, newMatrix } from './layer.js';

/** Works in place, unless what came before needs its own output. */
export function activation(tools: LayerTools, input: Matrix, name: Activation): Layer {
  const { kernel } = tools;
  const { stride, width } = input;
  const copies = input.kept;
  const output = copies
    ? { ...newMatrix(tools, width, false), gradient: input.gradient, kept: true }
    : { ...input, kept: true };
  return {
    output,
    forward({ rows }) {
      if (copies) kernel.copyColumns!(input.at, stride, output.at, stride, rows, width);
      activate(tools, name, output, rows);
    },
    backward({ rows }) {
      if (output.gradient === 0 || name === 'linear') return;
      if (name === 'softmax') kernel.softmaxGradient!(output.at, output.gradient, stride, rows, width);
      else kernel[`${name}Gradient`]!(output.at, output.gradient, rows * stride);
    },
  };
}

/** Applies an activation in place. */
export function activate({ kernel }: LayerTools, name: Activation, { at, stride, width }: Matrix, rows: number): void {
  if (name === 'linear') return;
  if (name === 'softmax') kernel.softmax!(at, stride, rows, width);
  else kernel[name]!(at, rows * stride);
}

import { fillDropout } from '../../random/index.js';
import type { PlannedLayer } from '../model-plan.js';
import { type Layer, type LayerTools, type Matrix, newMatrix } from './layer.js';

/** Multiplies by 0, or by 1 / (1 - rate), as (seed, layer, step, row in the global batch, column) have it. Nothing outside training. */
export function dropout(tools: LayerTools, input: Matrix, plan: PlannedLayer & { type: 'dropout' }): Layer {
  const { kernel, capacity } = tools;
  const { stride, width } = input;
  const { rate, key: layer } = plan;
  const output = { ...newMatrix(tools, width, false), gradient: input.gradient };
  const factors = tools.floats(newMatrix(tools, width, false).at, capacity * stride);
  return {
    output,
    forward({ rows, training, rowNumbers, seed, step }) {
      if (!training) {
        kernel.copyColumns!(input.at, stride, output.at, stride, rows, width);
        return;
      }
      for (let row = 0; row < rows; ) {
        const firstRow = rowNumbers[row]!;
        let end = row + 1;
        while (end < rows && rowNumbers[end] === firstRow + end - row) end++;
        const target = factors.subarray(row * stride, end * stride);
        fillDropout(kernel, target, stride, { seed, layer, step, firstRow }, rate);
        row = end;
      }
      kernel.multiplyF32!(output.at, input.at, factors.byteOffset, rows * stride);
    },
    backward({ rows }) {
      if (output.gradient === 0) return;
      kernel.multiplyF32!(output.gradient, output.gradient, factors.byteOffset, rows * stride);
    },
  };
}

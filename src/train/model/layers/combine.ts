import type { Layer, LayerTools, Matrix } from './layer.js';
import { newMatrix } from './layer.js';

/** The towers' outputs, added up or side by side. */
export function combine(tools: LayerTools, inputs: readonly Matrix[], how: 'sum' | 'concat'): Layer {
  const { kernel } = tools;
  const width = how === 'sum' ? inputs[0]!.width : inputs.reduce((sum, input) => sum + input.width, 0);
  const wanted = inputs.some(({ gradient }) => gradient !== 0);
  const output = newMatrix(tools, width, wanted);
  const { at, gradient, stride } = output;
  const offsets = inputs.map((_, i) =>
    how === 'sum' ? 0 : inputs.slice(0, i).reduce((sum, before) => sum + before.width * 4, 0),
  );
  return {
    output,
    forward({ rows }) {
      for (const [i, input] of inputs.entries()) {
        if (how === 'sum' && i > 0) kernel.sumF32!(at, input.at, rows * stride);
        else kernel.copyColumns!(input.at, input.stride, at + offsets[i]!, stride, rows, input.width);
      }
    },
    backward({ rows }) {
      for (const [i, input] of inputs.entries()) {
        if (input.gradient === 0) continue;
        kernel.copyColumns!(gradient + offsets[i]!, stride, input.gradient, input.stride, rows, input.width);
      }
    },
  };
}

import type { PlannedLayer } from '../model-plan.js';
import { type Layer, type LayerTools, type Matrix, newMatrix, strideOf } from './layer.js';

/** With up to so many units, sums of products are faster than panels of 8. */
const NARROW = 4;

/** y = x w + b, with relu where the plan says so. */
export function dense(tools: LayerTools, input: Matrix, plan: PlannedLayer & { type: 'dense' }): Layer {
  return plan.units <= NARROW ? narrow(tools, input, plan) : wide(tools, input, plan);
}

interface Addresses {
  readonly weights: number;
  readonly bias: number;
  readonly weightsGradient: number;
  readonly biasGradient: number;
}

function addressesOf(tools: LayerTools, { parameters }: PlannedLayer & { type: 'dense' }): Addresses {
  const find = (role: string): string | undefined => parameters.find((one) => one.role === role)?.name;
  const kernel = find('kernel')!;
  const bias = find('bias');
  return {
    weights: tools.parameter(kernel),
    bias: bias === undefined ? 0 : tools.parameter(bias),
    weightsGradient: tools.gradient(kernel),
    biasGradient: bias === undefined ? 0 : tools.gradient(bias),
  };
}

function wide(tools: LayerTools, input: Matrix, plan: PlannedLayer & { type: 'dense' }): Layer {
  const { kernel } = tools;
  const { inputs, units, relu } = plan;
  const { weights, bias, weightsGradient, biasGradient } = addressesOf(tools, plan);
  const output = newMatrix(tools, units, input.gradient !== 0 || weightsGradient !== 0, relu);
  const { stride } = output;
  const panels = tools.alloc(inputs * stride * 4);
  const transposed = input.gradient === 0 ? 0 : tools.alloc(units * strideOf(inputs) * 4);
  const sums = weightsGradient === 0 ? 0 : tools.alloc(strideOf(inputs) * stride * 4);
  const floor = relu ? 0 : Number.NEGATIVE_INFINITY;
  return {
    output,
    forward({ rows }) {
      kernel.packPanels!(weights, inputs, units, panels);
      kernel.multiplyPanels!(input.at, input.stride, panels, inputs, bias, output.at, stride, rows, units, floor);
    },
    backward({ rows }) {
      const dy = output.gradient;
      if (dy === 0) return;
      if (relu) kernel.reluGradient!(output.at, dy, rows * stride);
      if (weightsGradient !== 0) {
        kernel.sumOuter!(input.at, input.stride, dy, stride, rows, inputs, units, sums, stride);
        kernel.copyColumns!(sums, stride, weightsGradient, units, inputs, units);
      }
      if (biasGradient !== 0) {
        kernel.sumRows!(dy, stride, rows, units, sums);
        kernel.copyColumns!(sums, stride, biasGradient, units, 1, units);
      }
      if (input.gradient !== 0) {
        kernel.packTransposed!(weights, inputs, units, transposed);
        kernel.multiplyPanels!(
          dy,
          stride,
          transposed,
          units,
          0,
          input.gradient,
          input.stride,
          rows,
          inputs,
          Number.NEGATIVE_INFINITY,
        );
      }
    },
  };
}

function narrow(tools: LayerTools, input: Matrix, plan: PlannedLayer & { type: 'dense' }): Layer {
  const { kernel } = tools;
  const { inputs, units, relu } = plan;
  const { weights, bias, weightsGradient, biasGradient } = addressesOf(tools, plan);
  const output = newMatrix(tools, units, input.gradient !== 0 || weightsGradient !== 0, relu);
  const { stride } = output;
  const row = strideOf(inputs);
  const transposed = tools.alloc(units * row * 4);
  const sums = tools.alloc(Math.max(units * row, stride) * 4);
  return {
    output,
    forward({ rows }) {
      kernel.transpose!(weights, units, transposed, row, inputs, units);
      kernel.multiplyNarrow!(input.at, input.stride, transposed, row, inputs, bias, output.at, stride, rows, units);
      if (relu) kernel.relu!(output.at, rows * stride);
    },
    backward({ rows }) {
      const dy = output.gradient;
      if (dy === 0) return;
      if (relu) kernel.reluGradient!(output.at, dy, rows * stride);
      if (weightsGradient !== 0) {
        kernel.sumNarrow!(input.at, input.stride, dy, stride, rows, inputs, units, sums, row);
        kernel.transpose!(sums, row, weightsGradient, units, units, inputs);
      }
      if (biasGradient !== 0) {
        kernel.sumRows!(dy, stride, rows, units, sums);
        kernel.copyColumns!(sums, stride, biasGradient, units, 1, units);
      }
      if (input.gradient !== 0) {
        kernel.spreadNarrow!(dy, stride, transposed, row, inputs, input.gradient, input.stride, rows, units);
      }
    },
  };
}

import { ShardfeedError } from '../../errors.js';
import type { TrainMemory } from '../kernel/train-memory.js';
import type { ParameterLayout } from '../parameters.js';
import { rateAt, type ScheduleContext } from '../schedules/index.js';
import type { Optimizer, Span } from './optimizer.js';

/** One optimizer for all parameters, or several by the name of the parameters' group. */
export type Optimizers = Optimizer | Readonly<Record<string, Optimizer>>;

interface OptimizerSetOptions {
  /** Parameters that stay as they are, by name. */
  readonly frozen?: (name: string) => boolean;
}

interface Part {
  readonly optimizer: Optimizer;
  readonly slots: readonly Float32Array[];
  /** Runs of parameters in the flat buffers, and where each run's slots begin. */
  readonly runs: readonly { offset: number; count: number; at: number }[];
}

/** Optimizers on the flat buffers of a model: which updates which parameters, and what they remember. */
export class OptimizerSet {
  /**
   * What the optimizers remember, for checkpoints: by `<slot>`, or `<group>/<slot>` where there are several optimizers. Each holds the values
   * of its optimizer's parameters in the order of the layout.
   */
  readonly slots: Readonly<Record<string, Float32Array>>;
  readonly #memory: TrainMemory;
  readonly #parts: readonly Part[];

  /** @throws SHARDFEED_USAGE where a parameter has no optimizer, or an optimizer no parameter */
  constructor(
    memory: TrainMemory,
    layout: ParameterLayout,
    optimizers: Optimizers,
    { frozen = () => false }: OptimizerSetOptions = {},
  ) {
    this.#memory = memory;
    const several = !isOptimizer(optimizers);
    const byGroup = several ? optimizers : { '': optimizers };
    const runs = runsOf(layout, (name, group) =>
      frozen(name) ? undefined : several ? groupOf(name, group, byGroup) : '',
    );
    const slots: Record<string, Float32Array> = {};
    this.#parts = Object.entries(byGroup).map(([group, optimizer]) => {
      const own = runs.get(group) ?? [];
      if (several && own.length === 0 && !layout.parameters.some((parameter) => parameter.group === group)) {
        const what = `there is an optimizer for the parameters of ${JSON.stringify(group)}, but no such parameters`;
        throw new ShardfeedError('SHARDFEED_USAGE', `${what}: the model's groups are ${groupsOf(layout)}`);
      }
      const size = own.reduce((sum, { count }) => sum + count, 0);
      const made = optimizer.slots.map(({ name, initial }) => {
        const slot = memory.array(Float32Array, size).fill(initial);
        slots[several ? `${group}/${name}` : name] = slot;
        return slot;
      });
      return { optimizer, slots: made, runs: own };
    });
    this.slots = slots;
  }

  /** One update of weights by gradients, both of the layout and in the memory. @param update updates before this one */
  apply(weights: Float32Array, gradients: Float32Array, update: number, context: ScheduleContext): void {
    for (const { optimizer, slots, runs } of this.#parts) {
      const rate = rateAt(optimizer.learningRate, update, context);
      for (const { offset, count, at } of runs) {
        const span: Span = {
          weights: weights.byteOffset + 4 * offset,
          gradients: gradients.byteOffset + 4 * offset,
          slots: slots.map((slot) => slot.byteOffset + 4 * at),
          count,
        };
        optimizer.apply(this.#memory.kernel, span, rate, update);
      }
    }
  }
}

function isOptimizer(optimizers: Optimizers): optimizers is Optimizer {
  return typeof optimizers.apply === 'function';
}

/** Neighbouring parameters of the same group become one run. */
function runsOf(
  { parameters }: ParameterLayout,
  groupOfParameter: (name: string, group: string | undefined) => string | undefined,
): Map<string, { offset: number; count: number; at: number }[]> {
  const runs = new Map<string, { offset: number; count: number; at: number }[]>();
  for (const { name, group, offset, size } of parameters) {
    const key = groupOfParameter(name, group);
    if (key === undefined) continue;
    const list = runs.get(key) ?? [];
    runs.set(key, list);
    const last = list.at(-1);
    if (last !== undefined && last.offset + last.count === offset) last.count += size;
    else list.push({ offset, count: size, at: last === undefined ? 0 : last.at + last.count });
  }
  return runs;
}

function groupOf(name: string, group: string | undefined, optimizers: Readonly<Record<string, Optimizer>>): string {
  if (group !== undefined && Object.hasOwn(optimizers, group)) return group;
  const what = group === undefined ? `${name} belongs to no group` : `${name} belongs to the group ${group}`;
  const known = Object.keys(optimizers).join(', ');
  throw new ShardfeedError('SHARDFEED_USAGE', `the parameter ${what}, but there are optimizers for ${known} only`);
}

function groupsOf({ parameters }: ParameterLayout): string {
  return [...new Set(parameters.map(({ group = 'none' }) => group))].join(', ');
}

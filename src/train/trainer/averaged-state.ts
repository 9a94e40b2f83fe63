import type { ProcessGroup } from '../collective/process-group.js';
import type { StepModel } from '../step-model.js';

/**
 * The ranks' states (moving statistics, which each rank keeps of its own rows) one behind the other; every rank calls it.
 * One rank's alone is a copy.
 */
export async function gatherStates(group: ProcessGroup, { state }: StepModel): Promise<Float32Array> {
  return group.worldSize === 1 || state.length === 0 ? state.slice() : group.allGather(state);
}

/** The mean of states one behind the other, in float64: equal ones stay what they are. */
export function meanState(states: Float32Array, size: number): Float32Array {
  const ranks = size === 0 ? 1 : states.length / size;
  return Float32Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let rank = 0; rank < ranks; rank++) sum += states[rank * size + i]!;
    return sum / ranks;
  });
}

/** Calls a function while the model has the mean of the ranks' states, as Horovod users average them before evaluation. */
export async function withMeanState<T>(group: ProcessGroup, model: StepModel, use: () => Promise<T>): Promise<T> {
  const { state } = model;
  const own = state.slice();
  state.set(meanState(await gatherStates(group, model), state.length));
  model.changed();
  try {
    return await use();
  } finally {
    state.set(own);
    model.changed();
  }
}

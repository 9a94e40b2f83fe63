import { isDeepStrictEqual } from 'node:util';
import type { ParameterLayout } from '../parameters.js';
import { type Checkpoint, type CheckpointTensors, invalid } from './checkpoint.js';

/** The tensors of a flat buffer as views of it, by `prefix` and name: `weights/dense/kernel`. */
export function flatTensors(prefix: string, layout: ParameterLayout, flat: Float32Array): CheckpointTensors {
  const tensors = layout.parameters.map(({ name, shape, offset, size }) => {
    return [prefix + name, { shape, values: flat.subarray(offset, offset + size) }] as const;
  });
  return Object.fromEntries(tensors);
}

/**
 * Copies a checkpoint's tensors into those given, which must be the same by name, shape and type.
 * @throws SHARDFEED_CHECKPOINT; then nothing has been copied
 */
export function restoreTensors(checkpoint: Checkpoint & { path?: string }, into: CheckpointTensors): void {
  const { tensors, path } = checkpoint;
  const names = (all: CheckpointTensors): string[] =>
    Object.keys(all).filter((name) => !Object.hasOwn(other(all), name));
  const other = (all: CheckpointTensors): CheckpointTensors => (all === into ? tensors : into);
  const [missing, more] = [names(into), names(tensors)];
  if (missing.length + more.length > 0) {
    const parts = [list('lacks', missing), list('has', more)].filter((part) => part !== '');
    throw invalid(`it is of another model or optimizer: it ${parts.join(', and ')}`, path);
  }
  for (const [name, { shape, values }] of Object.entries(into)) {
    const found = tensors[name]!;
    if (isDeepStrictEqual(found.shape, [...shape]) && found.values.constructor === values.constructor) continue;
    const what = (tensor: typeof found): string => `${tensor.values.constructor.name} [${tensor.shape.join(', ')}]`;
    throw invalid(`it is of another model: ${name} is ${what(found)}, ${what({ shape, values })} is wanted`, path);
  }
  for (const [name, { values }] of Object.entries(into)) values.set(tensors[name]!.values);
}

function list(verb: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  return `${verb} ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
}

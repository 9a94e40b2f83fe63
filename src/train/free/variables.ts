import { ShardfeedError } from '../../errors.js';
import { own, put } from '../../own-properties.js';
import { layOut, type ParameterLayout } from '../parameters.js';

/** Numbers of the user's own that training changes, wherever they lie. */
export interface Variable {
  readonly shape: readonly number[];
  /** The values, row-major; read at once or copied. */
  read(): Float32Array;
  /** Takes over values, which are lent. */
  write(values: Float32Array): void;
}

/** By name. A plain array is a variable of one dimension, changed in place. */
export type Variables = Readonly<Record<string, Float32Array | Variable>>;

/** The part of a `tf.Variable` that is used here. */
interface TensorVariable {
  readonly name: string;
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
  assign(tensor: never): void;
}

/** The part of the tfjs package that is used here. */
interface TensorMaker {
  tensor(values: Float32Array, shape: number[]): { dispose(): void };
}

/**
 * Variables of tfjs, by their names: `tensorVariables(tf, model.trainableWeights.map((weight) => weight.val))`.
 * @throws SHARDFEED_USAGE where two have the same name
 */
export function tensorVariables(tf: TensorMaker, variables: readonly TensorVariable[]): Record<string, Variable> {
  const named: Record<string, Variable> = {};
  for (const variable of variables) {
    if (Object.hasOwn(named, variable.name)) {
      throw new ShardfeedError('SHARDFEED_USAGE', `two variables have the name ${variable.name}`);
    }
    put(named, variable.name, {
      shape: variable.shape,
      read: () => Float32Array.from(variable.dataSync()),
      write(values) {
        const tensor = tf.tensor(values.slice(), [...variable.shape]); // tfjs keeps what it is given
        variable.assign(tensor as never);
        tensor.dispose();
      },
    });
  }
  return named;
}

/** A variable of its own kind, whatever it was given as. */
function variableOf(given: Float32Array | Variable): Variable {
  if (!(given instanceof Float32Array)) return given;
  return { shape: [given.length], read: () => given, write: (values) => given.set(values) };
}

/** Variables and the flat buffer that stands for them. */
export class FlatVariables {
  readonly layout: ParameterLayout;
  readonly #variables: readonly Variable[];

  /** @param groupOf name of the optimizer of a variable, where there are several */
  constructor(variables: Variables, groupOf?: (name: string) => string | undefined) {
    const tensors = Object.entries(variables).map(([name, given]) => {
      const group = groupOf?.(name);
      return { name, shape: variableOf(given).shape, ...(group !== undefined && { group }) };
    });
    this.layout = layOut(tensors);
    this.#variables = this.layout.parameters.map(({ name }) => variableOf(variables[name]!));
  }

  /** Copies the variables' values into the flat buffer. @throws SHARDFEED_USAGE where one has another number of values than its shape */
  read(flat: Float32Array): void {
    for (const [i, { name, offset, size }] of this.layout.parameters.entries()) {
      const values = this.#variables[i]!.read();
      if (values.length !== size) throw wrongLength('variable', name, values.length, size);
      flat.set(values, offset);
    }
  }

  /** Copies the flat buffer's values into the variables. */
  write(flat: Float32Array): void {
    for (const [i, { offset, size }] of this.layout.parameters.entries()) {
      this.#variables[i]!.write(flat.subarray(offset, offset + size));
    }
  }

  /**
   * Copies values by the variables' names into the flat buffer, each times a factor.
   * @throws SHARDFEED_USAGE where one is missing, too many, or has another length
   */
  put(flat: Float32Array, named: Readonly<Record<string, ArrayLike<number>>>, factor: number): void {
    const { parameters } = this.layout;
    const stray = Object.keys(named).find((name) => !parameters.some((parameter) => parameter.name === name));
    if (stray !== undefined) {
      const known = parameters.map(({ name }) => name).join(', ');
      throw new ShardfeedError('SHARDFEED_USAGE', `there is a gradient of ${stray}, but the variables are ${known}`);
    }
    for (const { name, offset, size } of parameters) {
      const values = own(named, name);
      if (values === undefined)
        throw new ShardfeedError('SHARDFEED_USAGE', `the gradient of the variable ${name} is missing`);
      if (values.length !== size) throw wrongLength('gradient of', name, values.length, size);
      if (factor === 0)
        flat.fill(0, offset, offset + size); // a mean over nothing may be NaN
      else for (let i = 0; i < size; i++) flat[offset + i] = values[i]! * factor;
    }
  }
}

function wrongLength(what: string, name: string, length: number, expected: number): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `the ${what} ${name} has ${length} values; its shape has ${expected}`);
}

import { z } from 'zod';
import { specProblem } from '../../spec-problem.js';
import type { Initializer } from '../random/index.js';

const name = z.string().min(1);
const size = z
  .int()
  .min(1)
  .max(2 ** 24);
const factor = z.number().min(0);
export const LOSSES = [
  'binaryCrossentropy',
  'categoricalCrossentropy',
  'sparseCategoricalCrossentropy',
  'meanSquaredError',
  'meanAbsoluteError',
] as const;
const activation = z.enum(['linear', 'relu', 'sigmoid', 'tanh', 'softmax']);
const initializer = z.union([
  z.enum(['zeros', 'ones', 'glorotUniform', 'glorotNormal', 'heUniform', 'heNormal', 'lecunUniform', 'lecunNormal']),
  z.strictObject({ constant: z.number() }),
  z.strictObject({ uniform: z.tuple([z.number(), z.number()]) }),
  z.strictObject({ normal: z.tuple([z.number(), factor]) }),
]) satisfies z.ZodType<Initializer>;
const regularizer = z.strictObject({ l1: factor.optional(), l2: factor.optional() });
const common = { name: name.optional(), trainable: z.boolean().optional(), optimizer: name.optional() };

const layer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('dense'),
    ...common,
    units: size,
    activation: activation.optional(),
    useBias: z.boolean().optional(),
    kernelInitializer: initializer.optional(),
    kernelRegularizer: regularizer.optional(),
    biasRegularizer: regularizer.optional(),
  }),
  z.strictObject({
    type: z.literal('batchNormalization'),
    ...common,
    momentum: z.number().min(0).max(1).optional(),
    epsilon: factor.optional(),
    center: z.boolean().optional(),
    scale: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('activation'), name: name.optional(), activation }),
  z.strictObject({ type: z.literal('dropout'), name: name.optional(), rate: z.number().min(0).lt(1) }),
]) satisfies z.ZodType<LayerSpec>;

const input = z.union([
  name,
  z.strictObject({ column: name, width: size.optional() }),
  z.strictObject({ column: name, oneHot: size }),
]) satisfies z.ZodType<InputSpec>;

const tower = z.strictObject({
  name: name.optional(),
  inputs: z.array(input).min(1),
  layers: z.array(layer),
  optimizer: name.optional(),
}) satisfies z.ZodType<TowerSpec>;

const model = z.strictObject({
  towers: z.array(tower).min(1),
  combine: z.enum(['sum', 'concat']).optional(),
  head: z.array(layer).optional(),
  headOptimizer: name.optional(),
  loss: z.enum(LOSSES),
  labels: z.array(name).min(1).optional(),
  sampleWeights: name.optional(),
  classWeights: z.array(factor).min(1).optional(),
  batchNorm: z.enum(['local', 'sync']).optional(),
  seed: z.int().min(0).optional(),
}) satisfies z.ZodType<ModelSpec>;

export type Activation = 'linear' | 'relu' | 'sigmoid' | 'tanh' | 'softmax';

/** The sum of l1 |w| + l2 w^2, as Keras' L1L2 has it. */
export interface Regularizer {
  readonly l1?: number;
  readonly l2?: number;
}

interface AnyLayer {
  /** Default: the type in snake case, numbered within its tower as Keras does: dense, dense_1. */
  readonly name?: string;
  /** Default true. Layers that are not trained keep their numbers in the model's state. */
  readonly trainable?: boolean;
  /** The group of its parameters. Default: the tower's. */
  readonly optimizer?: string;
}

export interface DenseSpec extends AnyLayer {
  readonly type: 'dense';
  readonly units: number;
  /** Default linear. */
  readonly activation?: Activation;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default glorotUniform. Biases begin as zeros. */
  readonly kernelInitializer?: Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;
}

export interface BatchNormalizationSpec extends AnyLayer {
  readonly type: 'batchNormalization';
  /** Of the moving statistics. Default 0.99. */
  readonly momentum?: number;
  /** Default 0.001. */
  readonly epsilon?: number;
  /** Whether there is a beta. Default true. */
  readonly center?: boolean;
  /** Whether there is a gamma. Default true. */
  readonly scale?: boolean;
}

export interface ActivationSpec {
  readonly type: 'activation';
  readonly name?: string;
  readonly activation: Activation;
}

export interface DropoutSpec {
  readonly type: 'dropout';
  readonly name?: string;
  /** The share that becomes zero; the others are scaled by 1 / (1 - rate). */
  readonly rate: number;
}

export type LayerSpec = DenseSpec | BatchNormalizationSpec | ActivationSpec | DropoutSpec;

/**
 * A column of numbers with so many values in a row (default: what the schema says, else 1), or a column of one class a row that becomes
 * `oneHot` numbers, all zero where the class is null or not within 0 to oneHot - 1.
 */
export type InputSpec =
  | string
  | { readonly column: string; readonly width?: number }
  | { readonly column: string; readonly oneHot: number };

/** A chain of layers over some columns. */
export interface TowerSpec {
  /** Stands before the names of its layers: `deep/dense/kernel`. Without one, layers need names that no other tower has. */
  readonly name?: string;
  readonly inputs: readonly InputSpec[];
  readonly layers: readonly LayerSpec[];
  /** The group of its parameters, for training with several optimizers. */
  readonly optimizer?: string;
}

export type LossName = (typeof LOSSES)[number];

/** A model that the compiled step can train, as JSON. */
export interface ModelSpec {
  readonly towers: readonly TowerSpec[];
  /** How the towers' outputs become one. Default sum. */
  readonly combine?: 'sum' | 'concat';
  /** What follows the towers. */
  readonly head?: readonly LayerSpec[];
  /** As a tower's `optimizer`. */
  readonly headOptimizer?: string;
  /**
   * Cross-entropies want a sigmoid (binary) or softmax (categorical) as the last activation; they are computed from what goes into
   * it, so no probability is ever 0.
   */
  readonly loss: LossName;
  /** Columns of labels, side by side. Default: the schema's. The sparse loss wants one column of classes. */
  readonly labels?: readonly string[];
  /** A column of what each row's loss is multiplied with. */
  readonly sampleWeights?: string;
  /** What the losses of rows of class 0, 1, ... are multiplied with: for one label a row that is 0 or 1, or a class. */
  readonly classWeights?: readonly number[];
  /** Statistics of the rank's own rows (default), or of all ranks' rows, which costs two collectives a layer and step. */
  readonly batchNorm?: 'local' | 'sync';
  /** Of the initial weights. Default 0. */
  readonly seed?: number;
}

/**
 * Checks a spec that may come from JSON.
 * @throws SHARDFEED_USAGE naming the place and the offending value
 */
export function parseModelSpec(json: unknown): ModelSpec {
  const result = model.safeParse(json);
  if (result.success) return result.data;
  throw specProblem('model', json, result.error);
}

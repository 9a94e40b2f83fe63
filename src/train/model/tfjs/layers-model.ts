import type * as tfjs from '@tensorflow/tfjs';
import { checkOptions, Kinds, type OptionKinds, oneOf, showValue } from '../../../dataset/known-options.js';
import { ShardfeedError } from '../../../errors.js';
import { type Schema, widthOf } from '../../../records/schema.js';
import type { ProcessGroup } from '../../collective/process-group.js';
import { CompiledModel } from '../compile-model.js';
import { planModel } from '../model-plan.js';
import { type InputSpec, LOSSES, type LossName, type ModelSpec, parseModelSpec } from '../spec.js';
import { planInputs, type TfInput } from './inputs.js';
import { loadTf, type Tf, type TfBackend, useBackend } from './load-tf.js';
import type { RowLoss } from './losses.js';
import { TfModel, weightName } from './tf-model.js';
import { translate } from './to-spec.js';

/** What is seen of a `tf.LayersModel`, so that types do not need TensorFlow.js. */
export interface LayersModelLike {
  readonly layers: readonly { readonly name: string }[];
  readonly inputNames: readonly string[];
  summary(): void;
}

export interface TensorLike {
  readonly shape: number[];
  dispose(): void;
}

export interface LayersModelOptions<T extends TensorLike = TensorLike> {
  /**
   * By name, of what the model predicts (probabilities for cross-entropies); or a function that gives one number a row, or several
   * that are averaged. Labels are of shape [rows, labels]; without a schema there are as many as the model has outputs. Default: what
   * `model.compile` was given.
   */
  readonly loss?: LossName | ((labels: T, predictions: T) => T);
  /**
   * The columns that make up the model's input, or those of each by its name. Default: the column of the input's name, or for a
   * model of one input all columns of numbers but the labels, in the schema's order.
   */
  readonly inputs?: readonly InputSpec[] | Readonly<Record<string, readonly InputSpec[]>>;
  /** As those of a {@link ModelSpec}. */
  readonly labels?: readonly string[];
  readonly sampleWeights?: string;
  readonly classWeights?: readonly number[];
  readonly batchNorm?: 'local' | 'sync';
  /** The group of a layer's parameters, by its name, for training with several optimizers. */
  readonly optimizers?: Readonly<Record<string, string>>;
  /** What the batches hold. */
  readonly schema?: Schema;
  /** Whether the step is made of our kernels: where all layers and the loss allow it (`auto`, default), always, or never. */
  readonly compile?: 'auto' | boolean;
  /** Where TensorFlow.js computes, for what is not compiled. Default wasm. */
  readonly backend?: TfBackend;
}

const LAYERS_OPTIONS: OptionKinds<LayersModelOptions> = {
  loss: true,
  inputs: true,
  labels: Kinds.names,
  sampleWeights: Kinds.text,
  classWeights: true,
  batchNorm: oneOf('local', 'sync'),
  optimizers: true,
  schema: true,
  compile: { wanted: "'auto', true or false", is: (value) => value === 'auto' || typeof value === 'boolean' },
  backend: oneOf('wasm', 'cpu', 'tensorflow'),
};

/**
 * Trains a model of TensorFlow.js. Its weights are read when training begins; what was trained is in it after `close`, and as long as it is not
 * compiled, always.
 * @throws (when called with the group) SHARDFEED_USAGE for what does not fit together, SHARDFEED_UNSUPPORTED for packages that are not
 * installed and, by name, for layers that cannot be trained with the backend or whose randomness is their own
 */
export function layersModel<T extends TensorLike>(
  model: LayersModelLike,
  options: LayersModelOptions<T> = {},
): (group: Pick<ProcessGroup, 'memory' | 'allReduceSync'>) => Promise<CompiledModel | TfModel> {
  const own = model as unknown as tfjs.LayersModel;
  checkOptions('layersModel', options, LAYERS_OPTIONS);
  const loss = lossOf(options.loss ?? own.loss);
  return async (group) => {
    const inputs = planInputs(
      own.inputs.map((input) => ({ name: input.sourceLayer.name, shape: input.shape })),
      options.inputs,
      options.schema,
    );
    const { compile = 'auto', backend = 'wasm', labels = options.schema?.labels } = options;
    if (labels === undefined || labels.length === 0) {
      throw new ShardfeedError(
        'SHARDFEED_USAGE',
        'the model: it is not said which columns are labels: layersModel(model, { labels }) says so, or the schema',
      );
    }
    const tf = await loadTf();
    const { spec, reason } = compile === false ? { reason: '' } : specOf(own, loss, inputs, labels, options);
    if (spec !== undefined) return compiled(tf, own, spec, options.schema, group);
    if (compile === true) throw new ShardfeedError('SHARDFEED_USAGE', `the model cannot be compiled: ${reason}`);
    const { sampleWeights, classWeights, batchNorm = 'local', optimizers = {} } = options;
    await useBackend(tf, backend);
    const labelled = options.schema?.features.filter(({ name }) => labels.includes(name)) ?? [];
    const width =
      typeof loss === 'function' && labelled.length === labels.length ? sumOf(labelled.map(widthOf)) : undefined;
    const how = { loss, labels, width, sampleWeights, classWeights, batchNorm, optimizers };
    return new TfModel(tf, own, inputs, how, group);
  };
}

/** What it is to be, or what tfjs keeps of `compile`, which may be a list of one for the one output. */
function lossOf(given: unknown): LossName | RowLoss {
  const loss: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (typeof loss === 'function') return loss as RowLoss;
  const known = LOSSES.find((name) => name === loss);
  if (known !== undefined) return known;
  const what = loss === undefined ? 'it has no loss' : `its loss is ${showValue(loss)}`;
  const advice = `give layersModel(model, { loss }) one of ${LOSSES.join(', ')}, or a function`;
  throw new ShardfeedError('SHARDFEED_USAGE', `the model: ${what}: ${advice}`);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0);
}

function specOf(
  model: tfjs.LayersModel,
  loss: LossName | RowLoss,
  inputs: readonly TfInput[],
  labels: readonly string[],
  { sampleWeights, classWeights, batchNorm, optimizers = {}, schema }: Omit<LayersModelOptions, 'loss'>,
): { spec?: ModelSpec; reason: string } {
  if (typeof loss === 'function') return { reason: 'its loss is a function' };
  const columnsOf = (name: string): InputSpec[] => {
    const { columns } = inputs.find((input) => input.name === name)!;
    return columns.map(({ column, width, oneHot }) => (oneHot ? { column, oneHot: width } : { column, width }));
  };
  const translated = translate(model, columnsOf, optimizers);
  if ('unsupported' in translated) return { reason: translated.unsupported };
  const more = { sampleWeights, classWeights, batchNorm };
  const given = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
  const spec: ModelSpec = { ...translated, ...given, loss, labels };
  try {
    planModel(parseModelSpec(spec), schema);
    return { spec, reason: '' };
  } catch (error) {
    // Such as a cross-entropy of what is no sigmoid: TensorFlow.js takes it.
    if (error instanceof ShardfeedError && error.code === 'SHARDFEED_USAGE') return { reason: error.message };
    throw error;
  }
}

/** The compiled model begins with the model's weights, and gives them back when it is closed. */
function compiled(
  tf: Tf,
  model: tfjs.LayersModel,
  spec: ModelSpec,
  schema: Schema | undefined,
  group: Pick<ProcessGroup, 'memory' | 'allReduceSync'>,
): CompiledModel {
  const variables = new Map(model.weights.map((weight) => [weightName(weight), weight]));
  const tensors = (made: CompiledModel): [Float32Array, tfjs.LayerVariable][] =>
    [[made.layout, made.weights] as const, [made.stateLayout, made.state] as const].flatMap(
      ([{ parameters }, values]) =>
        parameters.map(({ name, offset, size }): [Float32Array, tfjs.LayerVariable] => {
          return [values.subarray(offset, offset + size), variables.get(name)!];
        }),
    );
  const writeBack = (made: CompiledModel): void => {
    for (const [values, variable] of tensors(made)) {
      const tensor = tf.tensor(values.slice(), variable.shape as number[]);
      variable.write(tensor);
      tensor.dispose();
    }
  };
  const made = new CompiledModel(planModel(parseModelSpec(spec), schema), group, {}, writeBack);
  for (const [values, variable] of tensors(made)) values.set(variable.read().dataSync() as Float32Array);
  return made;
}

import { ShardfeedError } from '../../errors.js';
import { type Schema, widthOf } from '../../records/schema.js';
import { layOut, type ParameterLayout } from '../parameters.js';
import { type Initializer, layerKey } from '../random/index.js';
import type {
  Activation,
  BatchNormalizationSpec,
  DenseSpec,
  InputSpec,
  LayerSpec,
  LossName,
  ModelSpec,
  Regularizer,
} from './spec.js';

export type Role = 'kernel' | 'bias' | 'gamma' | 'beta' | 'moving_mean' | 'moving_variance';

/** A tensor of the model. */
export interface PlannedParameter {
  readonly role: Role;
  /** The layer's, and the role. */
  readonly name: string;
  readonly shape: readonly number[];
  /** It is among the weights; else it is state. */
  readonly trained: boolean;
  readonly group?: string;
  readonly initial: Initializer;
  readonly regularizer?: Regularizer;
}

/** A layer, its sizes known. `inputs` and `units` are numbers a row. */
export type PlannedLayer = { readonly inputs: number; readonly units: number } & (
  | { readonly type: 'dense'; readonly name: string; readonly relu: boolean; readonly parameters: PlannedParameter[] }
  | {
      readonly type: 'batchNormalization';
      readonly name: string;
      readonly frozen: boolean;
      readonly momentum: number;
      readonly epsilon: number;
      readonly parameters: PlannedParameter[];
    }
  | { readonly type: 'activation'; readonly activation: Activation }
  /** `key` stands for the layer's name in what its randomness follows from. */
  | { readonly type: 'dropout'; readonly rate: number; readonly key: number }
);

export interface PlannedInput {
  readonly column: string;
  readonly width: number;
  readonly oneHot: boolean;
}

export interface PlannedTower {
  readonly inputs: readonly PlannedInput[];
  /** Numbers a row of all inputs. */
  readonly width: number;
  readonly layers: readonly PlannedLayer[];
}

/** A spec with everything filled in: JSON that all threads of a worker make the same network of. */
export interface ModelPlan {
  readonly towers: readonly PlannedTower[];
  readonly combine: 'sum' | 'concat';
  readonly head: readonly PlannedLayer[];
  readonly loss: LossName;
  /** The activation of the outputs; cross-entropies contain it. */
  readonly activation: Activation;
  readonly outputs: number;
  readonly labels: readonly string[];
  readonly sampleWeights?: string;
  readonly classWeights?: readonly number[];
  readonly batchNorm: 'local' | 'sync';
  readonly layout: ParameterLayout;
  readonly stateLayout: ParameterLayout;
  readonly parameters: readonly PlannedParameter[];
}

/** @throws SHARDFEED_USAGE for what does not fit together, SHARDFEED_SCHEMA_MISMATCH for columns that the schema has not */
export function planModel(spec: ModelSpec, schema?: Schema): ModelPlan {
  const { combine = 'sum', loss, batchNorm = 'local' } = spec;
  const towers = spec.towers.map((tower): PlannedTower => {
    const { name = '' } = tower;
    const inputs = tower.inputs.map((input) => planInput(input, schema));
    const width = inputs.reduce((sum, input) => sum + input.width, 0);
    const prefix = name === '' ? '' : `${name}/`;
    return { inputs, width, layers: planLayers(tower.layers, width, prefix, tower.optimizer) };
  });
  const widths = towers.map(({ layers, width }) => layers.at(-1)?.units ?? width);
  if (combine === 'sum' && widths.some((width) => width !== widths[0])) {
    throw usage(`towers that are summed need outputs of one width, these have ${widths.join(', ')}`);
  }
  const combined = combine === 'sum' ? widths[0]! : widths.reduce((sum, width) => sum + width, 0);
  const head = planLayers(spec.head ?? [], combined, '', spec.headOptimizer);
  const outputs = head.at(-1)?.units ?? combined;
  const { activation, chains } = takeLastActivation(towers, head);
  checkLoss(loss, activation, outputs);
  const labels = spec.labels ?? schema?.labels;
  if (labels === undefined || labels.length === 0) {
    throw usage('it is not said which columns are labels: give the model labels, or the schema');
  }
  const parameters = [...chains.towers.flatMap((tower) => tower.layers), ...chains.head].flatMap((layer) =>
    'parameters' in layer ? layer.parameters : [],
  );
  const twice = parameters.find(({ name }, i) => parameters.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined) throw usage(`two layers have a parameter ${twice.name}: give them, or their towers, names`);
  return {
    ...chains,
    combine,
    loss,
    activation,
    outputs,
    labels,
    ...(spec.sampleWeights !== undefined && { sampleWeights: spec.sampleWeights }),
    ...(spec.classWeights !== undefined && { classWeights: spec.classWeights }),
    batchNorm,
    layout: layoutOf(parameters.filter(({ trained }) => trained)),
    stateLayout: layoutOf(parameters.filter(({ trained }) => !trained)),
    parameters,
  };
}

function layoutOf(parameters: readonly PlannedParameter[]): ParameterLayout {
  return layOut(parameters.map(({ name, shape, group }) => ({ name, shape, ...(group !== undefined && { group }) })));
}

function usage(what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `model: ${what}`);
}

/** @throws SHARDFEED_SCHEMA_MISMATCH where the schema has no such column, or another width */
export function planInput(input: InputSpec, schema: Schema | undefined): PlannedInput {
  const { column, ...rest } = typeof input === 'string' ? { column: input } : input;
  const feature = schema?.features.find((one) => one.name === column);
  if (schema !== undefined && feature === undefined) {
    const there = schema.features.map((one) => one.name).join(', ');
    const what = `the model wants column ${JSON.stringify(column)}; there are ${there}`;
    throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', what, { column });
  }
  if ('oneHot' in rest) return { column, width: rest.oneHot, oneHot: true };
  const held = feature === undefined ? undefined : widthOf(feature);
  const width = ('width' in rest ? rest.width : undefined) ?? held ?? 1;
  if (feature?.kind === 'bytes' || (held !== undefined && held !== width)) {
    const is = feature!.kind === 'bytes' ? 'bytes' : held === -1 ? 'ragged' : `${held} numbers a row`;
    const what = `the model wants ${width} numbers a row of column ${JSON.stringify(column)}, which is ${is}`;
    throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', what, { column });
  }
  return { column, width, oneHot: false };
}

function planLayers(
  specs: readonly LayerSpec[],
  width: number,
  prefix: string,
  group: string | undefined,
): PlannedLayer[] {
  const counts = new Map<string, number>();
  const nameOf = (kind: string): string => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return count === 0 ? kind : `${kind}_${count}`;
  };
  const layers: PlannedLayer[] = [];
  let inputs = width;
  for (const spec of specs) {
    if (spec.type === 'dense') {
      const name = prefix + (spec.name ?? nameOf('dense'));
      layers.push(planDense(spec, name, inputs, spec.optimizer ?? group));
      inputs = spec.units;
    } else if (spec.type === 'batchNormalization') {
      const name = prefix + (spec.name ?? nameOf('batch_normalization'));
      layers.push(planBatchNorm(spec, name, inputs, spec.optimizer ?? group));
    } else if (spec.type === 'dropout') {
      const name = prefix + (spec.name ?? nameOf('dropout'));
      layers.push({ type: 'dropout', rate: spec.rate, key: layerKey(name), inputs, units: inputs });
    }
    const activation = 'activation' in spec ? (spec.activation ?? 'linear') : 'linear';
    if (activation !== 'linear') layers.push({ type: 'activation', activation, inputs, units: inputs });
  }
  return layers;
}

function planDense(spec: DenseSpec, name: string, inputs: number, group: string | undefined): PlannedLayer {
  const { units, trainable: trained = true, kernelRegularizer, biasRegularizer } = spec;
  const common = { trained, ...(group !== undefined && { group }) };
  const kernel: PlannedParameter = {
    ...common,
    role: 'kernel',
    name: `${name}/kernel`,
    shape: [inputs, units],
    initial: spec.kernelInitializer ?? 'glorotUniform',
    ...(kernelRegularizer !== undefined && { regularizer: kernelRegularizer }),
  };
  const bias: PlannedParameter = {
    ...common,
    role: 'bias',
    name: `${name}/bias`,
    shape: [units],
    initial: 'zeros',
    ...(biasRegularizer !== undefined && { regularizer: biasRegularizer }),
  };
  const parameters = spec.useBias === false ? [kernel] : [kernel, bias];
  return { type: 'dense', name, inputs, units, relu: false, parameters };
}

function planBatchNorm(
  spec: BatchNormalizationSpec,
  name: string,
  inputs: number,
  group: string | undefined,
): PlannedLayer {
  const { trainable = true, momentum = 0.99, epsilon = 0.001, center = true, scale = true } = spec;
  const parameter = (role: Role, trained: boolean, initial: Initializer): PlannedParameter => {
    return { role, name: `${name}/${role}`, shape: [inputs], trained, ...(group !== undefined && { group }), initial };
  };
  const parameters = [
    ...(scale ? [parameter('gamma', trainable, 'ones')] : []),
    ...(center ? [parameter('beta', trainable, 'zeros')] : []),
    parameter('moving_mean', false, 'zeros'),
    parameter('moving_variance', false, 'ones'),
  ];
  const sizes = { inputs, units: inputs };
  return { type: 'batchNormalization', name, ...sizes, frozen: !trainable, momentum, epsilon, parameters };
}

/** The model's last activation is apart, as losses contain it; other relus are part of the dense layer before them. */
function takeLastActivation(
  towers: readonly PlannedTower[],
  head: readonly PlannedLayer[],
): { activation: Activation; chains: { towers: PlannedTower[]; head: PlannedLayer[] } } {
  const last = head.length > 0 ? head.at(-1) : towers.length === 1 ? towers[0]!.layers.at(-1) : undefined;
  const rest = (layers: readonly PlannedLayer[]): PlannedLayer[] => {
    const kept = layers.at(-1) === last && last?.type === 'activation' ? layers.slice(0, -1) : layers;
    return kept.flatMap((layer, i) => {
      const next = kept[i + 1];
      if (layer.type === 'dense' && next?.type === 'activation' && next.activation === 'relu') {
        return [{ ...layer, relu: true }];
      }
      const before = kept[i - 1];
      return layer.type === 'activation' && layer.activation === 'relu' && before?.type === 'dense' ? [] : [layer];
    });
  };
  return {
    activation: last?.type === 'activation' ? last.activation : 'linear',
    chains: { towers: towers.map((tower) => ({ ...tower, layers: rest(tower.layers) })), head: rest(head) },
  };
}

function checkLoss(loss: LossName, activation: Activation, outputs: number): void {
  const wanted =
    loss === 'binaryCrossentropy' ? 'sigmoid' : loss.endsWith('ategoricalCrossentropy') ? 'softmax' : undefined;
  if (wanted !== undefined && activation !== wanted) {
    throw usage(`${loss} wants ${wanted} as the last activation, the model ends with ${activation}`);
  }
  if (wanted === 'softmax' && outputs < 2) throw usage(`${loss} wants two outputs or more, the model has ${outputs}`);
}

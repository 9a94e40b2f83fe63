import type * as tfjs from '@tensorflow/tfjs';
import type { InputSpec, LayerSpec, Regularizer, TowerSpec } from '../spec.js';
import type { Layer } from './patch-layers.js';

/** The towers of a model that the compiled step can train, or why it cannot. */
export type Translation =
  | { readonly towers: readonly TowerSpec[]; readonly combine: 'sum' | 'concat'; readonly head: readonly LayerSpec[] }
  | { readonly unsupported: string };

const ACTIVATIONS = ['linear', 'relu', 'sigmoid', 'tanh', 'softmax'];

class Unsupported extends Error {}

/** Reads a model as towers of dense layers, summed or side by side, that begin at its inputs. */
export function translate(
  model: tfjs.LayersModel,
  columnsOf: (input: string) => readonly InputSpec[],
  groups: Readonly<Record<string, string>>,
): Translation {
  try {
    if (model.outputs.length !== 1) throw new Unsupported(`it has ${model.outputs.length} outputs`);
    const spec = (layer: Layer): LayerSpec[] => layerSpec(layer, model.trainable, groups[layer.name]);
    const end = chainTo(model.outputs[0]!.sourceLayer);
    const merge = end.from;
    if (merge.getClassName() === 'InputLayer') {
      const tower = { inputs: columnsOf(merge.name), layers: end.layers.flatMap(spec) };
      return { towers: [tower], combine: 'sum', head: [] };
    }
    const towers = inbound(merge).map((layer): TowerSpec => {
      const { layers, from } = chainTo(layer);
      if (from.getClassName() !== 'InputLayer')
        throw new Unsupported(`there is more than one layer that joins others: ${from.name}`);
      return { inputs: columnsOf(from.name), layers: layers.flatMap(spec) };
    });
    const combine = merge.getClassName() === 'Add' ? 'sum' : 'concat';
    return { towers, combine, head: end.layers.flatMap(spec) };
  } catch (error) {
    if (error instanceof Unsupported) return { unsupported: error.message };
    throw error;
  }
}

/** The layers that end with this one, back to an input or a layer that joins several. */
function chainTo(last: Layer): { layers: Layer[]; from: Layer } {
  const layers: Layer[] = [];
  let layer = last;
  for (;;) {
    const kind = layer.getClassName();
    if (kind === 'InputLayer' || isMerge(layer)) return { layers, from: layer };
    layers.unshift(layer);
    const before = inbound(layer);
    if (before.length !== 1) throw new Unsupported(`layer ${layer.name} (${kind}) has ${before.length} inputs`);
    layer = before[0]!;
  }
}

function isMerge(layer: Layer): boolean {
  const kind = layer.getClassName();
  const { axis } = layer.getConfig() as { axis?: number };
  return kind === 'Add' || (kind === 'Concatenate' && (axis === undefined || axis === -1 || axis === 1));
}

function inbound(layer: Layer): Layer[] {
  const nodes = layer.inboundNodes;
  if (nodes.length !== 1) throw new Unsupported(`layer ${layer.name} is used ${nodes.length} times`);
  return nodes[0]!.inboundLayers;
}

function layerSpec(layer: Layer, modelTrainable: boolean, optimizer: string | undefined): LayerSpec[] {
  const kind = layer.getClassName();
  const config = layer.getConfig() as Record<string, unknown>;
  const refuse = (what: string): never => {
    throw new Unsupported(`layer ${layer.name} (${kind}) ${what}`);
  };
  if ((layer.outputShape as (number | null)[]).length !== 2) refuse('has an output that is no vector');
  for (const [key, value] of Object.entries(config)) {
    if (key.endsWith('Constraint') && value != null) refuse('has a constraint');
    if (key === 'activityRegularizer' && value != null) refuse('has an activity regulariser');
  }
  const common = {
    name: layer.name,
    trainable: modelTrainable && layer.trainable,
    ...(optimizer !== undefined && { optimizer }),
  };
  const activation = (name: unknown): 'relu' => {
    return ACTIVATIONS.includes(name as string) ? (name as 'relu') : refuse(`has the activation ${String(name)}`);
  };
  switch (kind) {
    case 'Dense':
      return [
        {
          type: 'dense',
          ...common,
          units: config.units as number,
          activation: activation(config.activation),
          useBias: config.useBias as boolean,
          ...regularizer('kernelRegularizer', config, refuse),
          ...regularizer('biasRegularizer', config, refuse),
        },
      ];
    case 'BatchNormalization': {
      if (config.axis !== -1 && config.axis !== 1) refuse(`normalises axis ${String(config.axis)}`);
      if (config.betaRegularizer != null || config.gammaRegularizer != null) refuse('has a regulariser');
      const { momentum, epsilon, center, scale } = config as Record<'momentum' | 'epsilon', number> &
        Record<'center' | 'scale', boolean>;
      return [{ type: 'batchNormalization', ...common, momentum, epsilon, center, scale }];
    }
    case 'Activation':
      return [{ type: 'activation', activation: activation(config.activation) }];
    case 'ReLU':
      return config.maxValue == null ? [{ type: 'activation', activation: 'relu' }] : refuse('has a maximum');
    case 'Softmax':
      return [{ type: 'activation', activation: 'softmax' }];
    case 'Dropout':
      return [{ type: 'dropout', name: layer.name, rate: config.rate as number }];
    default:
      return refuse('is none that is compiled');
  }
}

function regularizer(
  name: 'kernelRegularizer' | 'biasRegularizer',
  config: Record<string, unknown>,
  refuse: (what: string) => never,
): Partial<Record<typeof name, Regularizer>> {
  const given = config[name] as { className: string; config: { l1?: number; l2?: number } } | null | undefined;
  if (given == null) return {};
  if (given.className !== 'L1L2') refuse(`has the regulariser ${given.className}`);
  const { l1 = 0, l2 = 0 } = given.config;
  return { [name]: { l1, l2 } };
}

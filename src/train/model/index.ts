export { type CompiledModel, type CompileModelOptions, compileModel } from './compile-model.js';
export type {
  Activation,
  ActivationSpec,
  BatchNormalizationSpec,
  DenseSpec,
  DropoutSpec,
  InputSpec,
  LayerSpec,
  LossName,
  ModelSpec,
  Regularizer,
  TowerSpec,
} from './spec.js';
export { type LayersModelLike, type LayersModelOptions, layersModel, type TensorLike } from './tfjs/layers-model.js';
export type { TfBackend } from './tfjs/load-tf.js';
export type { TfModel } from './tfjs/tf-model.js';

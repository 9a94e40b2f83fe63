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

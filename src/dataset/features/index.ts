export { type CompileFeaturesOptions, compileFeatures, type FeatureTransform } from './compile-features.js';
export type { FeatureSpec } from './specs.js';
export { type LabelledBatch, splitLabels } from './split-labels.js';

import type { Batch, Schema } from '../../records/index.js';
import { compileFeatures, type FeatureTransform } from './compile-features.js';
import type { FeatureSpec } from './specs.js';

/** What a thread compiles a transform of its own from. */
export interface FeatureData {
  readonly specs: readonly FeatureSpec[];
  readonly schema: Schema;
}

const compiled = new WeakMap<FeatureData, FeatureTransform>();

/** What worker threads import; compiles at the first batch. */
export function applyFeatures(batch: Batch, data: FeatureData): Batch {
  let transform = compiled.get(data);
  if (transform === undefined) {
    transform = compileFeatures(data.specs, data);
    compiled.set(data, transform);
  }
  return transform(batch);
}

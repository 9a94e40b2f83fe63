export type FeatureKind = 'int64' | 'float' | 'bytes';

/** One value of a feature: int64 as number (safe integers) or bigint, bytes as string (UTF-8) or Uint8Array. */
export type Scalar = number | bigint | string | Uint8Array;

export interface Feature {
  readonly name: string;
  readonly kind: FeatureKind;
  /** `[]` one value, `[3, 2]` six values in row-major order, `'ragged'` any number of values. */
  readonly shape: readonly number[] | 'ragged';
  /** Stands in for a missing cell when written and for an absent key when read. A scalar is repeated to fill the shape. */
  readonly default?: Scalar | readonly Scalar[];
  /** An absent key reads as null. */
  readonly nullable?: boolean;
}

/** What a record holds: one JSON object for convert, decode, statistics and training. */
export interface Schema {
  readonly features: readonly Feature[];
  /** Names of the features that are labels (the `outputs` of a model spec). */
  readonly labels?: readonly string[];
}

/** How many values a row of this feature holds; -1 for ragged. */
export function widthOf(feature: Feature): number {
  return feature.shape === 'ragged' ? -1 : feature.shape.reduce((n, d) => n * d, 1);
}

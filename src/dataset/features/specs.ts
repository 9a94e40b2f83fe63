import { z } from 'zod';
import type { JsonValue } from '../../records/json-value.js';
import { specProblem } from '../../spec-problem.js';

interface OneColumn {
  /** The column to read: of the batch, or made by a spec before this one. */
  readonly column: string;
  /** The column to make. Default: the one that was read, which is replaced. */
  readonly as?: string;
}

interface Classes {
  /** The class of a null, -1 for none. A class of its own beyond the others may be named: there is then one more. */
  readonly missing?: number;
}

/** Numbers to about the same range: (x - mean) / std, or (x - min) / (max - min). NaN and infinities stay what they are. */
export interface Normalize extends OneColumn {
  readonly op: 'normalize';
  /** Default `zScore`. */
  readonly method?: 'zScore' | 'minMax';
  /** Default: the statistics'. A std of 0 counts as 1. */
  readonly mean?: number;
  readonly std?: number;
  /** Default: the statistics'. Where both are equal, their difference counts as 1. */
  readonly min?: number;
  readonly max?: number;
  /** What a null becomes, normalised. Default 0: with `zScore` that is the mean. */
  readonly missing?: number;
}

/** Values to their places in a list, behind the buckets of what is not in it: as Keras' StringLookup and IntegerLookup. */
export interface Vocabulary extends OneColumn, Classes {
  readonly op: 'vocabulary';
  /** Text, `{ base64 }` for other bytes; int64 as numbers, beyond 2^53 as strings. Default: the statistics' top values. */
  readonly values?: readonly JsonValue[];
  /** So many of the statistics' most frequent values. Default: all that the statistics tell (at most 10). */
  readonly top?: number;
  /** Buckets for unknown values, by hash (int64: modulo). Default 1. With 0 they have no class: -1. */
  readonly outOfVocabulary?: number;
}

/** The hash of bytes, or of the decimal text of an int64, modulo `buckets`: `tf.strings.to_hash_bucket_fast`. */
export interface HashBucket extends OneColumn, Classes {
  readonly op: 'hashBucket';
  readonly buckets: number;
}

/** Numbers to how many boundaries are at or below them: `tf.raw_ops.Bucketize`, Keras' Discretization. */
export interface Bucketize extends OneColumn, Classes {
  readonly op: 'bucketize';
  /** In ascending order. */
  readonly boundaries?: readonly number[];
  /** Instead of `boundaries`: some of the ranks whose quantiles the statistics have, such as `[0.25, 0.5, 0.75]`. */
  readonly quantiles?: readonly number[];
}

/** Each class to `depth` numbers, of which its own is 1. What is no class becomes zeros: `tf.one_hot`. */
export interface OneHot extends OneColumn {
  readonly op: 'oneHot';
  /** Default: the number of classes, where the column was made by a spec. */
  readonly depth?: number;
}

/** All classes of a row, any number, to `depth` numbers: 1 (or with `count` how many) where a class occurs. */
export interface MultiHot extends OneColumn {
  readonly op: 'multiHot';
  readonly depth?: number;
  /** Default false. */
  readonly count?: boolean;
}

/** Every combination of a row's values, hashed: `tf.sparse.cross_hashed`, Keras' HashedCrossing. */
export interface Cross extends Classes {
  readonly op: 'cross';
  /** Two or more columns of bytes or int64. */
  readonly columns: readonly string[];
  readonly buckets: number;
  /** Default: the names with `_x_` between them. */
  readonly as?: string;
}

/** The columns that stay, in this order. */
export interface Select {
  readonly op: 'select';
  readonly columns: readonly string[];
}

/** One step from the columns of a dataset to those of a model; plain JSON. */
export type FeatureSpec = Normalize | Vocabulary | HashBucket | Bucketize | OneHot | MultiHot | Cross | Select;

const name = z.string().min(1);
const count = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const names = z
  .array(name)
  .min(1)
  .refine((all) => new Set(all).size === all.length, 'expected different columns');
const oneColumn = { column: name, as: name.optional() };
const classes = {
  missing: z
    .int()
    .min(-1)
    .max(2 ** 31 - 2)
    .optional(),
};
const number = z.number();
const jsonValue = z.union([z.number(), z.string(), z.strictObject({ base64: z.base64() })]);
const ascending = (all: readonly number[]): boolean => all.every((x, i) => i === 0 || all[i - 1]! <= x);

const spec = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('normalize'),
    ...oneColumn,
    method: z.enum(['zScore', 'minMax']).optional(),
    mean: number.optional(),
    std: number.min(0).optional(),
    min: number.optional(),
    max: number.optional(),
    missing: number.optional(),
  }),
  z.strictObject({
    op: z.literal('vocabulary'),
    ...oneColumn,
    ...classes,
    values: z.array(jsonValue).min(1).optional(),
    top: count.optional(),
    outOfVocabulary: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .optional(),
  }),
  z.strictObject({ op: z.literal('hashBucket'), ...oneColumn, ...classes, buckets: count }),
  z.strictObject({
    op: z.literal('bucketize'),
    ...oneColumn,
    ...classes,
    boundaries: z.array(number).min(1).refine(ascending, 'expected ascending boundaries').optional(),
    quantiles: z.array(number.min(0).max(1)).min(1).refine(ascending, 'expected ascending quantiles').optional(),
  }),
  z.strictObject({ op: z.literal('oneHot'), ...oneColumn, depth: count.optional() }),
  z.strictObject({ op: z.literal('multiHot'), ...oneColumn, depth: count.optional(), count: z.boolean().optional() }),
  z.strictObject({ op: z.literal('cross'), columns: names.min(2), buckets: count, as: name.optional(), ...classes }),
  z.strictObject({ op: z.literal('select'), columns: names }),
]) satisfies z.ZodType<FeatureSpec>;

/**
 * Checks specs that may come from JSON.
 * @throws SHARDFEED_USAGE naming the place and the offending value
 */
export function parseFeatureSpecs(json: unknown): FeatureSpec[] {
  const result = z.array(spec).safeParse(json);
  if (result.success) return result.data;
  throw specProblem('features', json, result.error);
}

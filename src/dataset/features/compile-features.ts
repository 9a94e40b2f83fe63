import { ShardfeedError } from '../../errors.js';
import type { Batch, Column } from '../../records/batch.js';
import { Kernel } from '../../records/kernel/kernel.js';
import type { Schema } from '../../records/schema.js';
import type { MapModule } from '../pipeline/index.js';
import type { StatisticsJson } from '../statistics-json.js';
import { bucketize } from './bucketize.js';
import { checkColumn, type KnownColumn, type Step } from './columns.js';
import { cross } from './cross.js';
import type { FeatureData } from './feature-module.js';
import { hashBucket } from './hash-bucket.js';
import { normalize } from './normalize.js';
import { multiHot, oneHot } from './one-hot.js';
import { type FeatureSpec, parseFeatureSpecs, type Select } from './specs.js';
import { vocabulary } from './vocabulary.js';

export interface CompileFeaturesOptions {
  /** What the batches hold. */
  schema: Schema;
  /** What fills in the means, ranges, quantiles and vocabularies that specs leave open: a manifest's, or collected ones. */
  statistics?: StatisticsJson;
}

/** Specs, compiled: makes a new batch of a batch, column by column, and leaves the given one as it is. */
export interface FeatureTransform {
  /**
   * Columns that no spec replaces are passed on as they are, not copied; the mask too. int64 columns that it makes are
   * Float64Array, float columns Float32Array.
   * @throws SHARDFEED_SCHEMA_MISMATCH where the batch does not fit the schema, SHARDFEED_RANGE for results beyond memory
   */
  (batch: Batch): Batch;
  /** The specs with everything filled in, as JSON: they need no statistics, and say all that results depend on. */
  readonly specs: readonly FeatureSpec[];
  /** What the new batches hold. A column that is made of a label is a label. */
  readonly schema: Schema;
  /** How many classes the columns have that hold classes: the height of an embedding. */
  readonly classes: Readonly<Record<string, number>>;
  /** The same function for so many worker threads: `stream.map(prepare.inThreads(2))`. Default as for any `MapModule`. */
  inThreads(threads?: number): MapModule;
}

/**
 * Compiles what is to be done to the columns of a dataset before they train a model; each spec sees what those before it
 * made.
 * @throws SHARDFEED_USAGE naming the spec and value that is wrong, SHARDFEED_SCHEMA_MISMATCH where a column is not there,
 * or of the wrong kind
 */
export function compileFeatures(specs: readonly FeatureSpec[], options: CompileFeaturesOptions): FeatureTransform {
  const { schema, statistics } = options;
  let known = new Map(
    schema.features.map((feature): [string, KnownColumn] => {
      const { name } = feature;
      const label = schema.labels?.includes(name) ?? false;
      return [name, { feature, label, statistics: statistics?.features.find((f) => f.name === name) }];
    }),
  );
  let kernel: Kernel | undefined;
  const steps = parseFeatureSpecs(specs).map((spec): CheckedStep => {
    const names = 'columns' in spec ? spec.columns : [spec.column];
    const inputs = names.map((name) => find(known, spec.op, name));
    if (spec.op === 'select') {
      known = new Map(inputs.map((input) => [input.feature.name, input]));
      return { spec, inputs };
    }
    const step = compileStep(spec, inputs, () => (kernel ??= new Kernel()));
    const label = inputs.some((input) => input.label);
    known.set(step.output.name, { feature: step.output, label, classes: step.classes });
    return { spec: step.spec, inputs, step };
  });
  const all = [...known.values()];
  const labels = all.filter(({ label }) => label).map(({ feature }) => feature.name);
  const transform = ({ size, columns, mask }: Batch): Batch => {
    const made = steps.reduce((some, step) => applyStep(step, some, size), new Map(Object.entries(columns)));
    return { size, columns: Object.fromEntries(made), mask };
  };
  const filledIn = steps.map(({ spec }) => spec);
  return Object.assign(transform, {
    specs: filledIn,
    schema: { features: all.map(({ feature }) => feature), ...(labels.length > 0 ? { labels } : {}) },
    classes: Object.fromEntries(
      all.flatMap(({ feature, classes }) => (classes === undefined ? [] : [[feature.name, classes] as const])),
    ),
    inThreads(threads?: number): MapModule {
      const module = new URL('./feature-module.js', import.meta.url);
      const data: FeatureData = { specs: filledIn, schema };
      return { module, export: 'applyFeatures', data, ...(threads === undefined ? {} : { threads }) };
    },
  });
}

/** A step and what it reads; a `select` makes nothing. */
interface CheckedStep {
  readonly spec: FeatureSpec;
  readonly inputs: readonly KnownColumn[];
  readonly step?: Step;
}

/** Batches come from outside: what a step reads is checked first, so that kernels may rely on it. */
function applyStep({ inputs, step }: CheckedStep, columns: Map<string, Column>, rows: number): Map<string, Column> {
  const read = inputs.map(({ feature }) => checkColumn(feature, columns.get(feature.name), rows));
  if (step === undefined) return new Map(inputs.map(({ feature }, i) => [feature.name, read[i]!]));
  return columns.set(step.output.name, step.run(read, rows));
}

function compileStep(spec: Exclude<FeatureSpec, Select>, inputs: readonly KnownColumn[], kernel: () => Kernel): Step {
  const input = inputs[0]!;
  switch (spec.op) {
    case 'normalize':
      return normalize(spec, input);
    case 'vocabulary':
      return vocabulary(spec, input, kernel());
    case 'hashBucket':
      return hashBucket(spec, input, kernel());
    case 'bucketize':
      return bucketize(spec, input, kernel());
    case 'oneHot':
      return oneHot(spec, input);
    case 'multiHot':
      return multiHot(spec, input);
    case 'cross':
      return cross(spec, inputs, kernel());
  }
}

function find(known: ReadonlyMap<string, KnownColumn>, op: string, column: string): KnownColumn {
  const found = known.get(column);
  if (found !== undefined) return found;
  const what = `${op} wants column ${JSON.stringify(column)}; there are ${[...known.keys()].join(', ')}`;
  throw new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', what, { column });
}

import { z } from 'zod';
import { ShardfeedError } from '../errors.js';
import { recordOf } from '../record-of.js';
import { fromJsonValue, type JsonValue, toJsonValue } from './json-value.js';
import { type Feature, type Scalar, type Schema, widthOf } from './schema.js';

const scalar = z.union([
  z
    .number()
    .or(z.nan())
    .or(z.literal([Infinity, -Infinity])),
  z.bigint(),
  z.string(),
  z.instanceof(Uint8Array),
  z.strictObject({ base64: z.base64() }),
]);
const featureSchema = z
  .strictObject({
    name: z.string().min(1),
    kind: z.enum(['int64', 'float', 'bytes']),
    shape: z.union([z.array(z.int().positive()), z.literal('ragged')]).default([]),
    default: z.union([scalar, z.array(scalar)]).optional(),
    nullable: z.boolean().optional(),
  })
  .transform(({ default: given, ...feature }): Feature => {
    if (given === undefined) return feature;
    const read = (value: unknown): Scalar => fromJsonValue(feature.kind, value) as Scalar;
    return { ...feature, default: Array.isArray(given) ? given.map(read) : read(given) };
  });
const schemaSchema = z.strictObject({
  features: z.array(featureSchema).min(1),
  labels: z.array(z.string()).optional(),
});

const modelFeature = z.strictObject({ type: z.enum(['int', 'float', 'str']), default: scalar.optional() });
const modelSpec = z.strictObject({
  inputs: recordOf(modelFeature),
  outputs: recordOf(modelFeature).optional(),
});
const MODEL_KINDS = { int: 'int64', float: 'float', str: 'bytes' } as const;

/**
 * Validates a schema given as JSON: shardfeed's own form, or tf2-onspark's `model_spec`
 * (`{ inputs: { name: { type: 'int'|'float'|'str', default } }, outputs: { ... } }`).
 * `outputs: false` leaves a model spec's outputs away (unlabelled data).
 * @throws SHARDFEED_SCHEMA_INVALID
 */
export function parseSchema(json: unknown, options: { outputs?: boolean } = {}): Schema {
  const schema = isModelSpec(json) ? fromModelSpec(json, options.outputs ?? true) : validate(schemaSchema, json);
  return checkSchema(schema);
}

/** A schema as JSON, in a fixed order of keys; {@link parseSchema} reads it back without loss. */
export function schemaToJson(schema: Schema): Record<string, unknown> {
  return {
    features: schema.features.map((feature) => ({
      name: feature.name,
      kind: feature.kind,
      shape: feature.shape,
      default: feature.default === undefined ? undefined : defaultToJson(feature),
      nullable: feature.nullable,
    })),
    labels: schema.labels,
  };
}

function defaultToJson({ kind, default: value }: Feature): JsonValue | JsonValue[] {
  return Array.isArray(value) ? value.map((v: Scalar) => toJsonValue(kind, v)) : toJsonValue(kind, value as Scalar);
}

function isModelSpec(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'inputs' in json;
}

function fromModelSpec(json: unknown, outputs: boolean): Schema {
  const spec = validate(modelSpec, json);
  const toFeature = ([name, f]: [string, z.infer<typeof modelFeature>]): Feature => {
    const kind = MODEL_KINDS[f.type];
    if (f.default === undefined) return { name, kind, shape: [] };
    return { name, kind, shape: [], default: fromJsonValue(kind, f.default) as Scalar };
  };
  const labels = outputs ? Object.entries(spec.outputs ?? {}) : [];
  return {
    features: [...Object.entries(spec.inputs), ...labels].map(toFeature),
    ...(labels.length > 0 ? { labels: labels.map(([name]) => name) } : {}),
  };
}

function validate<T>(type: z.ZodType<T>, json: unknown): T {
  const result = type.safeParse(json);
  if (result.success) return result.data;
  throw new ShardfeedError(
    'SHARDFEED_SCHEMA_INVALID',
    `invalid schema: ${z.prettifyError(result.error).replaceAll('✖ ', '')}`,
  );
}

/** Checks what the types cannot say: unique names, defaults of the right kind, range and length. */
function checkSchema(schema: Schema): Schema {
  const seen = new Set<string>();
  for (const feature of schema.features) {
    if (seen.has(feature.name)) throw invalid(`feature ${JSON.stringify(feature.name)} appears twice`);
    seen.add(feature.name);
    checkDefault(feature);
  }
  for (const label of schema.labels ?? []) {
    if (!seen.has(label)) throw invalid(`label ${JSON.stringify(label)} is no feature`);
  }
  return schema;
}

function checkDefault(feature: Feature): void {
  if (feature.default === undefined) return;
  const values = Array.isArray(feature.default) ? feature.default : [feature.default];
  const width = widthOf(feature);
  if (width >= 0 && values.length !== width && values.length !== 1) {
    throw invalid(`default of ${JSON.stringify(feature.name)} has ${values.length} values, its shape wants ${width}`);
  }
  for (const value of values) {
    const ok =
      feature.kind === 'bytes'
        ? typeof value === 'string' || value instanceof Uint8Array
        : feature.kind === 'float'
          ? typeof value === 'number'
          : (typeof value === 'number' && Number.isSafeInteger(value)) ||
            (typeof value === 'bigint' && BigInt.asIntN(64, value) === value);
    if (!ok) throw invalid(`default ${String(value)} of ${JSON.stringify(feature.name)} is no ${feature.kind}`);
  }
}

function invalid(message: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_SCHEMA_INVALID', message);
}

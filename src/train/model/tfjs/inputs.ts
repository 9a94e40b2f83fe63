import { ShardfeedError } from '../../../errors.js';
import { own } from '../../../own-properties.js';
import { type Schema, widthOf } from '../../../records/schema.js';
import { elementsOf } from '../../parameters.js';
import { type PlannedInput, planInput } from '../model-plan.js';
import type { InputSpec } from '../spec.js';

/** An input of a model: rows of a shape, put together from columns. */
export interface TfInput {
  readonly name: string;
  /** Without the rows. */
  readonly shape: readonly number[];
  readonly width: number;
  readonly columns: readonly PlannedInput[];
}

/**
 * Says which columns make up each input of a model: those given; else the column of the input's name; else, for a model of one
 * input, all columns of numbers that are no labels, in the schema's order.
 * @throws SHARDFEED_USAGE where it cannot be said, or widths differ
 */
export function planInputs(
  inputs: readonly { readonly name: string; readonly shape: readonly (number | null)[] }[],
  given: readonly InputSpec[] | Readonly<Record<string, readonly InputSpec[]>> | undefined,
  schema: Schema | undefined,
): TfInput[] {
  return inputs.map(({ name, shape: [, ...rest] }) => {
    if (rest.includes(null)) throw usage(`input ${name} has no fixed shape`);
    const shape = rest as number[];
    const width = elementsOf(shape);
    const specs = specsOf(name, width, inputs.length, given, schema);
    const columns = specs.map((spec) => planInput(spec, schema));
    const held = columns.reduce((sum, column) => sum + column.width, 0);
    if (held !== width) {
      throw usage(
        `input ${name} takes ${width} numbers a row, ${columns.map(({ column }) => column).join(', ')} have ${held}`,
      );
    }
    return { name, shape, width, columns };
  });
}

function specsOf(
  name: string,
  width: number,
  inputs: number,
  given: readonly InputSpec[] | Readonly<Record<string, readonly InputSpec[]>> | undefined,
  schema: Schema | undefined,
): readonly InputSpec[] {
  if (Array.isArray(given)) {
    if (inputs === 1) return given;
    throw usage('it has several inputs: give `inputs` by their names');
  }
  const named = own(given as Readonly<Record<string, readonly InputSpec[]>> | undefined, name);
  if (named !== undefined) return named;
  if (given !== undefined) throw usage(`\`inputs\` has no columns for its input ${name}`);
  if (schema === undefined || schema.features.some((feature) => feature.name === name)) {
    return [schema === undefined ? { column: name, width } : name];
  }
  if (inputs > 1)
    throw usage(`there is no column ${name} for its input of that name: say which columns, by \`inputs\``);
  const { features, labels = [] } = schema;
  return features.flatMap((feature) => {
    const numbers = feature.kind !== 'bytes' && feature.shape !== 'ragged' && widthOf(feature) > 0;
    return numbers && !labels.includes(feature.name) ? [feature.name] : [];
  });
}

function usage(what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', `the model: ${what}`);
}

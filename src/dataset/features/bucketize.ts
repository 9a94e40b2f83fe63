import type { FixedColumn } from '../../records/batch.js';
import {
  asFloats,
  classesOf,
  countOf,
  expectKind,
  fillNulls,
  inRowsOf,
  type KnownColumn,
  type Step,
  usage,
} from './columns.js';
import type { Bucketize } from './specs.js';

/**
 * How many boundaries are at or below a value; all of them for NaN. A float is compared with boundaries rounded to
 * float32, as TensorFlow does; an int64 as a double, where TensorFlow rounds it to float32 too.
 */
export function bucketize(spec: Bucketize, input: KnownColumn): Step {
  expectKind('bucketize', input, ['float', 'int64']);
  const { column, as = column, missing = -1 } = spec;
  const boundaries = boundariesOf(spec, input);
  const limits = limitsOf(boundaries, input.feature.kind === 'float');
  return {
    spec: { op: 'bucketize', column, as, boundaries, missing },
    output: { name: as, kind: 'int64', shape: input.feature.shape },
    classes: classesOf(boundaries.length + 1, missing),
    run([from], rows) {
      const count = countOf(from!, rows);
      const given = asFloats((from as FixedColumn).values, count);
      const values = new Float64Array(count);
      countBelow(limits, given, values, boundaries.length);
      fillNulls(values, from!, rows, missing);
      return inRowsOf(from!, values);
    },
  };
}

function boundariesOf(spec: Bucketize, { statistics }: KnownColumn): readonly number[] {
  const { column, boundaries, quantiles } = spec;
  if ((boundaries === undefined) === (quantiles === undefined)) {
    throw usage('bucketize', column, 'wants either boundaries or quantiles');
  }
  if (boundaries !== undefined) return boundaries;
  const found = quantiles!.map((rank) => {
    const value = statistics?.quantiles?.[String(rank)];
    if (value !== undefined) return Number(value);
    const have = Object.keys(statistics?.quantiles ?? {}).join(', ') || 'none';
    throw usage('bucketize', column, `the statistics have no quantile ${rank} of it, but ${have}`);
  });
  return [...new Set(found)];
}

/** The boundaries and, up to one less than a power of two, infinities. */
function limitsOf(boundaries: readonly number[], float32: boolean): Float32Array | Float64Array {
  const size = 2 ** Math.ceil(Math.log2(boundaries.length + 1)) - 1;
  const limits = float32 ? new Float32Array(size) : new Float64Array(size);
  limits.fill(Number.POSITIVE_INFINITY).set(boundaries);
  return limits;
}

/** How many of the first `most` limits are not above each value. Searches in steps that do not branch: half the time. */
function countBelow(
  limits: Float32Array | Float64Array,
  values: Float32Array | Float64Array,
  out: Float64Array,
  most: number,
): void {
  const top = (limits.length + 1) >> 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let low = 0;
    for (let step = top; step > 0; step >>= 1) low += value < limits[low + step - 1]! ? 0 : step;
    out[i] = Math.min(low, most);
  }
}

import type { FixedColumn } from '../../records/batch.js';
import { classesOf } from './classes.js';
import { asFloats, countOf, expectKind, fillNulls, inRowsOf, type KnownColumn, type Step, usage } from './columns.js';
import type { Bucketize } from './specs.js';

/**
 * How many boundaries are at or below a value; all of them for NaN. A float is compared with boundaries rounded to
 * float32, as TensorFlow does; an int64 as a double, where TensorFlow rounds it to float32 too.
 */
export function bucketize(spec: Bucketize, input: KnownColumn): Step {
  expectKind('bucketize', input, ['float', 'int64']);
  const { column, as = column, missing = -1 } = spec;
  const boundaries = boundariesOf(spec, input);
  const limits = input.feature.kind === 'float' ? Float32Array.from(boundaries) : Float64Array.from(boundaries);
  return {
    spec: { op: 'bucketize', column, as, boundaries, missing },
    output: { name: as, kind: 'int64', shape: input.feature.shape },
    classes: classesOf(boundaries.length + 1, missing),
    run([from], rows) {
      const count = countOf(from!, rows);
      const given = asFloats((from as FixedColumn).values, count);
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = upperBound(limits, given[i]!);
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

function upperBound(limits: Float32Array | Float64Array, value: number): number {
  let low = 0;
  let high = limits.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < limits[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

import type { FixedColumn } from '../../records/batch.js';
import type { Kernel } from '../../records/kernel/kernel.js';
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
import { floatsAt, inScratch, putFloats } from './kernel-columns.js';
import type { Bucketize } from './specs.js';

/**
 * How many boundaries are at or below a value; all of them for NaN. A float is compared with boundaries rounded to
 * float32, as TensorFlow does; an int64 as a double, where TensorFlow rounds it to float32 too.
 */
export function bucketize(spec: Bucketize, input: KnownColumn, kernel: Kernel): Step {
  expectKind('bucketize', input, ['float', 'int64']);
  const { column, as = column, missing = -1 } = spec;
  const boundaries = boundariesOf(spec, input);
  const count = countingOf(kernel, boundaries, input.feature.kind === 'float');
  return {
    spec: { op: 'bucketize', column, as, boundaries, missing },
    output: { name: as, kind: 'int64', shape: input.feature.shape },
    classes: classesOf(boundaries.length + 1, missing),
    run([from], rows) {
      const values = count(asFloats((from as FixedColumn).values, countOf(from!, rows)));
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

/** Puts the boundaries into the kernel's memory, for good, and returns what counts those at or below values. */
function countingOf(
  kernel: Kernel,
  boundaries: readonly number[],
  float32: boolean,
): (values: Float32Array | Float64Array) => Float64Array {
  const most = boundaries.length;
  const top = 2 ** (Math.ceil(Math.log2(most + 1)) - 1);
  const limits = float32 ? new Float32Array(2 * top - 1) : new Float64Array(2 * top - 1);
  limits.fill(Number.POSITIVE_INFINITY).set(boundaries);
  const held = putFloats(kernel, limits);
  const bucketizeAll = float32 ? kernel.exports.bucketizeF32! : kernel.exports.bucketizeF64!;
  return (values) =>
    inScratch(kernel, () => {
      const out = kernel.alloc(8 * values.length);
      bucketizeAll(putFloats(kernel, values), values.length, held, top, most, out);
      return floatsAt(kernel, out, values.length);
    });
}

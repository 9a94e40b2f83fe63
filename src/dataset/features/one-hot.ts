import { ShardfeedError } from '../../errors.js';
import type { Column, FixedColumn } from '../../records/batch.js';
import { asFloats, countOf, expectKind, fillNulls, type KnownColumn, offsetsOf, type Step, usage } from './columns.js';
import type { MultiHot, OneHot } from './specs.js';

/** float32 of shape [...shape, depth]; zeros for a null, and where the class is not within 0 to depth - 1. */
export function oneHot(spec: OneHot, input: KnownColumn): Step {
  const { column, as = column } = spec;
  const { shape } = input.feature;
  expectKind('oneHot', input, ['int64']);
  if (shape === 'ragged') throw usage('oneHot', column, 'it is ragged; multiHot takes any number of values');
  const depth = depthOf(spec, input);
  return {
    spec: { op: 'oneHot', column, as, depth },
    output: { name: as, kind: 'float', shape: [...shape, depth] },
    run([from], rows) {
      const classes = classesIn(from!, rows);
      const values = zeros(as, classes.length, depth);
      for (let i = 0; i < classes.length; i++) {
        const k = classes[i]!;
        if (k >= 0 && k < depth) values[i * depth + k] = 1;
      }
      return { layout: 'fixed', values, shape: [...shape, depth] };
    },
  };
}

/** float32 of shape [depth]: the row's classes within 0 to depth - 1; zeros for a null. */
export function multiHot(spec: MultiHot, input: KnownColumn): Step {
  const { column, as = column, count = false } = spec;
  expectKind('multiHot', input, ['int64']);
  const depth = depthOf(spec, input);
  return {
    spec: { op: 'multiHot', column, as, depth, count },
    output: { name: as, kind: 'float', shape: [depth] },
    run([from], rows) {
      const classes = classesIn(from!, rows);
      const offsets = offsetsOf(from!, rows);
      const values = zeros(as, rows, depth);
      for (let row = 0; row < rows; row++) {
        for (let i = offsets[row]!; i < offsets[row + 1]!; i++) {
          const k = classes[i]!;
          if (k >= 0 && k < depth) values[row * depth + k] = count ? values[row * depth + k]! + 1 : 1;
        }
      }
      return { layout: 'fixed', values, shape: [depth] };
    },
  };
}

function depthOf({ op, column, depth }: OneHot | MultiHot, { classes }: KnownColumn): number {
  const known = depth ?? classes;
  if (known === undefined) throw usage(op, column, 'wants a depth: how many classes there are is not known');
  return known;
}

function classesIn(column: Column, rows: number): Float32Array | Float64Array {
  const count = countOf(column, rows);
  const classes = asFloats((column as FixedColumn).values, count);
  if (column.validity === undefined) return classes;
  const copy = classes.slice();
  fillNulls(copy, column, rows, -1);
  return copy;
}

function zeros(column: string, rows: number, depth: number): Float32Array {
  if (rows * depth * 4 <= 2 ** 32) return new Float32Array(rows * depth);
  const what = `${rows} x ${depth} numbers for ${JSON.stringify(column)} are more than 4 GiB: take fewer rows or classes`;
  throw new ShardfeedError('SHARDFEED_RANGE', what, { column });
}

import { ShardfeedError } from '../../errors.js';
import { type Column, isValid } from '../../records/batch.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import { widthOf } from '../../records/schema.js';
import {
  classesOf,
  countOf,
  evenOffsets,
  expectKind,
  fillNulls,
  type KnownColumn,
  offsetsOf,
  type Step,
} from './columns.js';
import { EMPTY_HASH, floatsAt, inScratch, putInt64s, putInts, putItems } from './kernel-columns.js';
import type { Cross } from './specs.js';

/** What TensorFlow begins a cross with. */
const HASH_KEY = 0xdecafcaffen;
const MAX_VALUES = 2 ** 28;

/**
 * The combinations of each row, the last column's values fastest: of shape [] where all inputs are, ragged where one is,
 * else of as many numbers as the widths multiply to. An int64 is its own hash.
 */
export function cross(spec: Cross, inputs: readonly KnownColumn[], kernel: Kernel): Step {
  for (const input of inputs) expectKind('cross', input, ['bytes', 'int64']);
  const { columns, as = columns.join('_x_'), buckets, missing } = spec;
  const widths = inputs.map(({ feature }) => widthOf(feature));
  const ragged = widths.includes(-1);
  const shape = inputs.every(({ feature }) => feature.shape.length === 0) ? [] : [widths.reduce((n, w) => n * w, 1)];
  return {
    spec: { op: 'cross', columns, as, buckets, missing },
    output: { name: as, kind: 'int64', shape: ragged ? 'ragged' : shape },
    classes: classesOf(buckets, missing),
    run: (given, rows) =>
      inScratch(kernel, () => {
        let offsets = evenOffsets(rows, 1);
        let hashes = kernel.alloc(8 * rows);
        new BigUint64Array(kernel.memory.buffer, hashes, rows).fill(HASH_KEY);
        given.forEach((column, i) => {
          const more = crossHashes(kernel, columns[i]!, column, rows);
          const moreOffsets = offsetsOf(column, rows);
          const bothOffsets = productOffsets(as, offsets, moreOffsets);
          const both = kernel.alloc(8 * bothOffsets[rows]!);
          const [left, right] = [putInts(kernel, offsets, rows + 1), putInts(kernel, moreOffsets, rows + 1)];
          kernel.exports.farmHashCross!(hashes, left, more, right, rows, both);
          [offsets, hashes] = [bothOffsets, both];
        });
        const count = offsets[rows]!;
        kernel.exports.hashesToBuckets!(hashes, count, buckets, hashes);
        const values = floatsAt(kernel, hashes, count);
        if (missing !== undefined) fillAnyNull(values, offsets, given, rows, missing);
        return ragged ? { layout: 'ragged', values, offsets } : { layout: 'fixed', values, shape };
      }),
  };
}

function crossHashes(kernel: Kernel, name: string, column: Column, rows: number): number {
  const count = countOf(column, rows);
  if (column.layout === 'bytes') return putItems(kernel, name, column, count).hashes;
  const hashes = putInt64s(kernel, column.values, count);
  fillNulls(new BigUint64Array(kernel.memory.buffer, hashes, count), column, rows, EMPTY_HASH);
  return hashes;
}

/** Where each row's combinations begin. */
function productOffsets(column: string, a: Int32Array, b: Int32Array): Int32Array<ArrayBuffer> {
  const offsets = new Int32Array(a.length);
  for (let row = 1, sum = 0; row < a.length; row++) {
    sum += (a[row]! - a[row - 1]!) * (b[row]! - b[row - 1]!);
    if (sum > MAX_VALUES) {
      const what = `${JSON.stringify(column)} has more than ${MAX_VALUES} combinations: take fewer rows`;
      throw new ShardfeedError('SHARDFEED_RANGE', what, { column });
    }
    offsets[row] = sum;
  }
  return offsets;
}

/** Rows in which any input is null. */
function fillAnyNull(
  values: Float64Array,
  offsets: Int32Array,
  columns: readonly Column[],
  rows: number,
  missing: number,
): void {
  for (const column of columns.filter(({ validity }) => validity !== undefined)) {
    for (let row = 0; row < rows; row++) {
      if (!isValid(column, row)) values.fill(missing, offsets[row], offsets[row + 1]);
    }
  }
}

import type { Column } from '../../records/batch.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import { classesOf } from './classes.js';
import { countOf, expectKind, fillNulls, inRowsOf, type KnownColumn, type Step } from './columns.js';
import { floatsAt, hashesAt, inScratch, textHashes } from './hash-kernel.js';
import type { HashBucket } from './specs.js';

/** The hash of no bytes: that of a null, where it is given no class. */
const EMPTY = 0x9ae16a3b2f90404fn;

export function hashBucket(spec: HashBucket, input: KnownColumn, kernel: Kernel): Step {
  expectKind('hashBucket', input, ['bytes', 'int64']);
  const { column, as = column, buckets, missing } = spec;
  return {
    spec: { op: 'hashBucket', column, as, buckets, missing },
    output: { name: as, kind: 'int64', shape: input.feature.shape },
    classes: classesOf(buckets, missing ?? -1),
    run: ([from], rows) =>
      inScratch(kernel, () => {
        const count = countOf(from!, rows);
        const hashes = textHashes(kernel, column, from!, count);
        hashNulls(kernel, hashes, from!, rows);
        kernel.exports.hashesToBuckets!(hashes, count, buckets, hashes);
        const values = floatsAt(kernel, hashes, count);
        if (missing !== undefined) fillNulls(values, from!, rows, missing);
        return inRowsOf(from!, values);
      }),
  };
}

/** Gives the values of null rows the hash of an empty text. */
export function hashNulls(kernel: Kernel, hashes: number, column: Column, rows: number): void {
  if (column.validity !== undefined) fillNulls(hashesAt(kernel, hashes, countOf(column, rows)), column, rows, EMPTY);
}

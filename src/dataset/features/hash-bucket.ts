import type { Kernel } from '../../records/kernel/kernel.js';
import { classesOf, countOf, expectKind, fillNulls, inRowsOf, type KnownColumn, type Step } from './columns.js';
import { EMPTY_HASH, inScratch, textBuckets } from './kernel-columns.js';
import type { HashBucket } from './specs.js';

export function hashBucket(spec: HashBucket, input: KnownColumn, kernel: Kernel): Step {
  expectKind('hashBucket', input, ['bytes', 'int64']);
  const { column, as = column, buckets, missing } = spec;
  const ofNull = missing ?? Number(EMPTY_HASH % BigInt(buckets));
  return {
    spec: { op: 'hashBucket', column, as, buckets, missing },
    output: { name: as, kind: 'int64', shape: input.feature.shape },
    classes: classesOf(buckets, missing),
    run: ([from], rows) =>
      inScratch(kernel, () => {
        const count = countOf(from!, rows);
        const values = textBuckets(kernel, column, from!, count, buckets);
        fillNulls(values, from!, rows, ofNull);
        return inRowsOf(from!, values);
      }),
  };
}

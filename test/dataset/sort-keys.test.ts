import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeySorter } from '../../src/dataset/sort-keys.js';

test('keys are sorted as the built-in sort does', () => {
  const sorter = new KeySorter();
  const floats = fc.array(fc.oneof(fc.float({ noNaN: true }), fc.constantFrom(1, 2, Number.NEGATIVE_INFINITY)));
  fc.assert(
    fc.property(floats, (values) => {
      const keys = Float32Array.from(values, (value) => value + 0);
      const sorted = keys.slice().sort();
      sorter.sort(keys);
      expect(keys).toEqual(sorted);
    }),
  );
  const wide = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(fc.array(fc.oneof(wide, fc.bigInt({ min: -9n, max: 9n }))), fc.boolean(), (values, signed) => {
      const keys = signed ? BigInt64Array.from(values) : BigUint64Array.from(values);
      const sorted = keys.slice().sort();
      sorter.sort(keys);
      expect(keys).toEqual(sorted);
    }),
  );
});

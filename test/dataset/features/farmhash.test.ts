import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { farmHash64, farmHashCat } from '../../../src/dataset/features/farmhash.js';
import { putInt64s, putItems, textBuckets } from '../../../src/dataset/features/kernel-columns.js';
import { type BytesColumn, Kernel } from '../../../src/records/index.js';
import { bytesColumn, fixed } from '../column-builders.js';

const utf8 = new TextEncoder();

function kernelHashes(kernel: Kernel, items: readonly Uint8Array[]): bigint[] {
  const { hashes } = putItems(kernel, 'x', bytesColumn(items), items.length);
  return [...new BigUint64Array(kernel.memory.buffer, hashes, items.length)];
}

test('farmhash64 gives the published hashes', () => {
  // https://github.com/tecnickcom/farmhash64, a C translation of Google's, tests these.
  const published: Record<string, bigint> = {
    '': 0x9ae16a3b2f90404fn,
    a: 0xb3454265b6df75e3n,
    ab: 0xaa8d6e5242ada51en,
    abc: 0x24a5b3a074e7f369n,
    abcd: 0x1a5502de4a1f8101n,
    abcdefgh: 0xfee9d22990c82909n,
    '0123456789@0123': 0x5361eae17c1ff6bcn,
    "0123456789'01234": 0x4283d4ef43627f64n,
    '0123456789=012345': 0x46a7416ed4861e3bn,
    'C is as portable as Stonehedge!!': 0xb944f8a16261e414n,
    'Discard medicine more than two years old.': 0xe8f89ab6df9bdd25n,
    'For every action there is an equal and opposite government program.': 0x55182f8859eca4cen,
    'The fugacity of a constituent in a mixture of gases at a given temperature is proportional to its mole fraction.  Lewis-Randall Rule':
      0x098eff6958c5e91an,
  };
  const items = Object.keys(published).map((text) => utf8.encode(text));
  expect(items.map(farmHash64)).toEqual(Object.values(published));
  expect(kernelHashes(new Kernel(), items)).toEqual(Object.values(published));
});

test("farmhash64 gives TensorFlow's fingerprints of 0 to 330 bytes", () => {
  // tf.fingerprint(..., method='farmhash64') of TensorFlow 2.21, one for each length.
  const path = new URL('../../fixtures/golden/farmhash64.txt', import.meta.url);
  const golden = readFileSync(path, 'utf8')
    .trim()
    .split(/\s+/)
    .map((hex) => BigInt(`0x${hex}`));
  const items = golden.map((_, n) => Uint8Array.from({ length: n }, (_, i) => i * 31 + n * 7 + ((i * i) >> 3)));
  expect(items.length).toBe(331);
  expect(items.map(farmHash64)).toEqual(golden);
  expect(kernelHashes(new Kernel(), items)).toEqual(golden);
});

test('the kernel hashes as its twin does, wherever items lie', () => {
  const kernel = new Kernel();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (items) => {
      expect(kernelHashes(kernel, items)).toEqual(items.map(farmHash64));
    }),
    { seed: 1 },
  );
});

test('an int64 is hashed as its decimal text', () => {
  const kernel = new Kernel();
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const edges = [0n, 9n, 10n, -1n, 99n, 100n, 2n ** 63n - 1n, -(2n ** 63n)];
  const buckets = 2 ** 31 - 1;
  fc.assert(
    fc.property(fc.array(fc.oneof(int64, fc.constantFrom(...edges))), (values) => {
      const column = fixed(BigInt64Array.from(values));
      const expected = values.map((value) => Number(farmHash64(utf8.encode(String(value))) % BigInt(buckets)));
      expect([...textBuckets(kernel, 'x', column, values.length, buckets)]).toEqual(expected);
    }),
    { seed: 2 },
  );
});

test('numbers become the int64 that they are', () => {
  const kernel = new Kernel();
  const values = [0, -0, 1, -1, 2 ** 53, -(2 ** 53), 123456789];
  const at = putInt64s(kernel, Float64Array.from(values), values.length);
  expect([...new BigInt64Array(kernel.memory.buffer, at, values.length)]).toEqual(values.map(BigInt));
});

test('the hash of two hashes depends on their order, and on both', () => {
  const [a, b] = [farmHash64(utf8.encode('a')), farmHash64(utf8.encode('b'))];
  expect(new Set([farmHashCat(a, b), farmHashCat(b, a), farmHashCat(a, a), a, b]).size).toBe(5);
});

test('offsets that lead out of the data are refused', () => {
  const column = (offsets: number[]): BytesColumn => ({
    ...bytesColumn([]),
    data: new Uint8Array(9),
    offsets: Int32Array.from(offsets),
  });
  for (const offsets of [
    [0, 4, 10],
    [0, 4, 3],
    [-1, 4, 9],
    [0, -4, 9],
    [0, 2 ** 31 - 1, 9],
  ]) {
    expect(() => putItems(new Kernel(), 'x', column(offsets), 2)).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_SCHEMA_MISMATCH', column: 'x' }),
    );
  }
});

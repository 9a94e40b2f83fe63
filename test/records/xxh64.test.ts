import fc from 'fast-check';
import { expect, test } from 'vitest';
import { C, COLUMN_BYTES, KernelColumns } from '../../src/records/kernel/columns.js';
import { Kernel } from '../../src/records/kernel/kernel.js';
import type { Schema } from '../../src/records/schema.js';
import { HASH_EMPTY, HASH_MISSING, xxh64 } from '../../src/records/xxh64.js';

const utf8 = new TextEncoder();

/** The generator of xxHash's own sanity checks (xxhsum's fillTestBuffer). */
function sanityBytes(length: number): Uint8Array {
  let generator = 2654435761n;
  return Uint8Array.from({ length }, () => {
    const byte = Number(generator >> 56n);
    generator = (generator * 11400714785074694797n) & 0xffffffffffffffffn;
    return byte;
  });
}

const PRIME32 = 2654435761n;
// [input, seed, hash]: xxHash's sanity checks, and strings that other implementations publish.
const VECTORS: [Uint8Array, bigint, bigint][] = [
  [sanityBytes(0), 0n, 0xef46db3751d8e999n],
  [sanityBytes(0), PRIME32, 0xac75fda2929b17efn],
  [sanityBytes(1), 0n, 0xe934a84adb052768n],
  [sanityBytes(1), PRIME32, 0x5014607643a9b4c3n],
  [sanityBytes(4), 0n, 0x9136a0dca57457een],
  [sanityBytes(14), 0n, 0x8282dcc4994e35c8n],
  [sanityBytes(14), PRIME32, 0xc3bd6bf63deb6df0n],
  [sanityBytes(222), 0n, 0xb641ae8cb691c174n],
  [sanityBytes(222), PRIME32, 0x20cb8ab7ae10c14an],
  [utf8.encode('a'), 0n, 0xd24ec4f1a98c6e5bn],
  [utf8.encode('as'), 0n, 0x1c330fb2d66be179n],
  [utf8.encode('asd'), 0n, 0x631c37ce72a97393n],
  [utf8.encode('asdf'), 0n, 0x415872f599cea71en],
  [utf8.encode('Call me Ishmael. Some years ago--never mind how long precisely-'), 0n, 0x02a2e85470d6fd96n],
];

test('xxh64 gives the published hashes', () => {
  for (const [bytes, seed, hash] of VECTORS) expect(xxh64(bytes, seed).toString(16)).toBe(hash.toString(16));
});

function kernelHash(kernel: Kernel, bytes: Uint8Array, seed: number): bigint {
  const mark = kernel.mark();
  const at = kernel.put(bytes);
  const out = kernel.alloc(8);
  kernel.exports.xxh64At!(at, bytes.length, seed, out);
  const hash = kernel.view.getBigUint64(out, true);
  kernel.release(mark);
  return hash;
}

test('the kernel hashes bytes as its twin does', () => {
  const kernel = new Kernel();
  for (const [bytes, seed, hash] of VECTORS) expect(kernelHash(kernel, bytes, Number(seed))).toBe(hash);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 0xffffffff }), (bytes, seed) => {
      expect(kernelHash(kernel, bytes, seed)).toBe(xxh64(bytes, BigInt(seed)));
    }),
  );
});

function hashColumns(schema: Schema, columns: KernelColumns, rows: number, seed: number): bigint[][] {
  const { kernel } = columns;
  const out = kernel.alloc(8 * rows);
  return schema.features.map((_, i) => {
    kernel.exports.hashColumn!(columns.address + i * COLUMN_BYTES, rows, out, seed);
    return Array.from(new BigUint64Array(kernel.memory.buffer, out, rows));
  });
}

test('hashColumn chains the values of a row, canonicalises floats and knows missing rows and empty lists', () => {
  const schema: Schema = {
    features: [
      { name: 'i', kind: 'int64', shape: [], nullable: true },
      { name: 'f', kind: 'float', shape: [] },
      { name: 'pair', kind: 'int64', shape: [2] },
      { name: 'words', kind: 'bytes', shape: 'ragged' },
    ],
  };
  const columns = new KernelColumns(new Kernel(), schema, 3);
  columns.fromBatch({
    size: 3,
    mask: new Uint8Array(3).fill(1),
    columns: {
      i: { layout: 'fixed', shape: [], values: new Float64Array([-1, 0, 7]), validity: new Uint8Array([0b101]) },
      f: { layout: 'fixed', shape: [], values: new Float32Array([-0, Number.NaN, 1.5]) },
      pair: { layout: 'fixed', shape: [2], values: new Float64Array([1, 2, 3, 4, 5, 6]) },
      words: {
        layout: 'bytes',
        shape: 'ragged',
        data: utf8.encode('abc'),
        offsets: new Int32Array([0, 1, 3, 3]),
        rowOffsets: new Int32Array([0, 2, 2, 3]),
      },
    },
  });
  // The sign and payload of a NaN do not matter.
  columns.kernel.view.setUint32(columns.get(1, C.VALUES) + 4, 0xffc12345, true);
  const le64 = (v: bigint): Uint8Array => new Uint8Array(new BigInt64Array([v]).buffer);
  const le32 = (v: number): Uint8Array => new Uint8Array(new Uint32Array([v]).buffer);
  const seed = 9n;
  const chain = (...items: Uint8Array[]): bigint => items.reduce((h, item) => xxh64(item, h), seed);
  expect(hashColumns(schema, columns, 3, 9)).toEqual([
    [chain(le64(-1n)), HASH_MISSING, chain(le64(7n))],
    [chain(le32(0)), chain(le32(0x7fc00000)), chain(le32(0x3fc00000))],
    [chain(le64(1n), le64(2n)), chain(le64(3n), le64(4n)), chain(le64(5n), le64(6n))],
    [chain(utf8.encode('a'), utf8.encode('bc')), HASH_EMPTY, chain(new Uint8Array(0))],
  ]);
});

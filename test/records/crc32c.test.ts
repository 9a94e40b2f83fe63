import oracle from 'crc-32/crc32c';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, crcOfSuffix, maskCrc, maskedCrc32c, unmaskCrc } from '../../src/records/crc32c.js';
import { Kernel } from '../../src/records/kernel/kernel.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

// RFC 3720, appendix B.4
const VECTORS: [name: string, bytes: Uint8Array, crc: number][] = [
  ['nothing', new Uint8Array(0), 0],
  ['123456789', ascii('123456789'), 0xe3069283],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 .. 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['31 .. 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
];

test.each(VECTORS)('the CRC32C of %s is as published', (_, bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc);
});

test('twin, kernel and an independent library agree, whole and in two pieces', () => {
  const kernel = new Kernel();
  const base = kernel.alloc(400);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
      const crc = oracle.buf(bytes) >>> 0;
      expect(crc32c(bytes)).toBe(crc);
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc);
      kernel.u8.set(bytes, base);
      expect(kernel.exports.crc32c!(base, bytes.length, 0) >>> 0).toBe(crc);
    }),
  );
});

test('masking is as TensorFlow does it and can be undone', () => {
  expect(maskedCrc32c(new Uint8Array(0))).toBe(0xa282ead8);
  // The header of a record of 8 bytes, as TensorFlow writes it.
  expect(maskedCrc32c(Uint8Array.of(0x67, 0, 0, 0, 0, 0, 0, 0))).toBe(0xd4cdadba);
  fc.assert(fc.property(fc.nat(0xffffffff), (crc) => unmaskCrc(maskCrc(crc)) === crc));
});

test('the CRC of a range follows from the CRCs of two prefixes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 5000 }), (a, b) => {
      const whole = new Uint8Array([...a, ...b]);
      expect(crcOfSuffix(crc32c(a), crc32c(whole), b.length)).toBe(crc32c(b));
    }),
  );
});

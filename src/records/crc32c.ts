/**
 * CRC32C (Castagnoli, RFC 3720 appendix B.4) by slicing-by-8 in plain TypeScript: the twin of assembly/crc32c.ts, for
 * single values and short inputs. Files are checked by the kernel.
 */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    tables[i] = c;
  }
  for (let i = 256; i < tables.length; i++) {
    const previous = tables[i - 256]!;
    tables[i] = (previous >>> 8) ^ tables[previous & 255]!;
  }
  return tables;
}

/** The CRC32C of `bytes` as an unsigned number. To continue over several pieces, pass the previous result as `seed`. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const t = TABLES;
  let c = ~seed;
  let i = 0;
  for (const last = bytes.length - 8; i <= last; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      t[1792 + (c & 255)]! ^
      t[1536 + ((c >>> 8) & 255)]! ^
      t[1280 + ((c >>> 16) & 255)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) c = t[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** The form in which TFRecord stores a CRC, so that a CRC over bytes that hold CRCs stays strong (tsl/lib/hash/crc32c.h). */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The inverse of {@link maskCrc}. */
export function unmaskCrc(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** The masked CRC32C of `bytes`, as TFRecord stores it. */
export function maskedCrc32c(bytes: Uint8Array): number {
  return maskCrc(crc32c(bytes));
}

/** Multiplies two polynomials over GF(2) modulo Castagnoli's; bit 31 is the coefficient of x^0 (reflected). */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bits = a; bits !== 0; bits <<= 1) {
    if (bits < 0) product ^= b;
    b = b & 1 ? (b >>> 1) ^ 0x82f63b78 : b >>> 1;
  }
  return product;
}

/** x^(8 * 2^k) for k = 0 .. 47: appending 2^k zero bytes. */
const POWERS = makePowers();

function makePowers(): Int32Array {
  const powers = new Int32Array(48);
  let p = 0x00800000; // x^8
  for (let k = 0; k < powers.length; k++) {
    powers[k] = p;
    p = multiply(p, p);
  }
  return powers;
}

/**
 * The CRC of B alone, given the CRC of A, of A followed by B, and B's length in bytes: A's part is carried over B's
 * length in O(log length) and taken out. Makes any range of a long run checkable from CRCs of its prefixes.
 */
export function crcOfSuffix(crcA: number, crcAB: number, lengthB: number): number {
  let carried = crcA | 0;
  for (let k = 0, n = lengthB; n > 0; k++, n = Math.floor(n / 2)) {
    if (n % 2 === 1) carried = multiply(carried, POWERS[k]!);
  }
  return (carried ^ crcAB) >>> 0;
}

/** Philox's counter, four words, and key, two words; what is above 32 bits does not count. */
export type Counter = readonly [number, number, number, number];
export type Key = readonly [number, number];

/**
 * Philox4x32-10: four random words of a counter and a key (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011;
 * Random123). The plain twin of the kernel's `philox`, and what makes initial weights.
 */
export function philox([c0, c1, c2, c3]: Counter, [k0, k1]: Key): [number, number, number, number] {
  let x: [number, number, number, number] = [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
  let key0 = k0 >>> 0;
  let key1 = k1 >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, x[0]);
    const high1 = multiplyHigh(0xcd9e8d57, x[2]);
    const low0 = Math.imul(0xd2511f53, x[0]) >>> 0;
    const low1 = Math.imul(0xcd9e8d57, x[2]) >>> 0;
    x = [(high1 ^ x[1] ^ key0) >>> 0, low1, (high0 ^ x[3] ^ key1) >>> 0, low0];
    key0 = (key0 + 0x9e3779b9) >>> 0;
    key1 = (key1 + 0xbb67ae85) >>> 0;
  }
  return x;
}

/** The upper 32 bits of the product of two unsigned 32 bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const low = (a & 0xffff) * (b & 0xffff);
  const middle = (a >>> 16) * (b & 0xffff) + (low >>> 16);
  const other = (a & 0xffff) * (b >>> 16) + (middle & 0xffff);
  return ((a >>> 16) * (b >>> 16) + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

/** Powers of ten that the kernel's float parser wants: 10^-348 .. 10^347. */
const MIN = -348;
const MAX = 347;

let table: Uint8Array | undefined;

/**
 * The table of the Eisel-Lemire algorithm: for each power its 128 most significant bits, rounded down, as two u64 (low,
 * high). It is a constant, made on first use in about a millisecond.
 */
export function widePowers(): Uint8Array {
  if (table !== undefined) return table;
  const words = new BigUint64Array(2 * (MAX - MIN + 1));
  for (let e = MIN; e <= MAX; e++) {
    const bits = top128(e);
    words[2 * (e - MIN)] = BigInt.asUintN(64, bits);
    words[2 * (e - MIN) + 1] = bits >> 64n;
  }
  table = new Uint8Array(words.buffer);
  return table;
}

function top128(exponent: number): bigint {
  const power = 10n ** BigInt(Math.abs(exponent));
  const length = power.toString(2).length;
  if (exponent >= 0) return length > 128 ? power >> BigInt(length - 128) : power << BigInt(128 - length);
  // 1 / power: the quotient of 2^(length + 127) has 128 bits, 129 for a power of two
  const quotient = (1n << BigInt(length + 127)) / power;
  return quotient >> 128n === 0n ? quotient : quotient >> 1n;
}

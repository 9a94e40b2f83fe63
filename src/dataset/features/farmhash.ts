const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;
const CAT = 0xc6a4a7935bd1e995n;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/**
 * FarmHash's Fingerprint64 (farmhashna::Hash64, https://github.com/google/farmhash), an unsigned 64 bit number: what
 * `tf.strings.to_hash_bucket_fast` takes modulo the number of buckets. The plain twin of assembly/farmhash.ts.
 */
export function farmHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (i: number): bigint => view.getBigUint64(i, true);
  const n = bytes.length;
  const length = BigInt(n);
  const mul = u64(K2 + length * 2n);
  if (n === 0) return K2;
  if (n < 4) {
    const y = BigInt(bytes[0]! + (bytes[n >> 1]! << 8));
    const z = length + BigInt(bytes[n - 1]! << 2);
    return u64(shiftMix(u64(u64(y * K2) ^ u64(z * K0))) * K2);
  }
  if (n < 8) return mix(length + BigInt(view.getUint32(0, true)) * 8n, BigInt(view.getUint32(n - 4, true)), mul);
  if (n <= 16) {
    const a = u64(at(0) + K2);
    const b = at(n - 8);
    return mix(u64(rotr(b, 37) * mul + a), u64((rotr(a, 25) + b) * mul), mul);
  }
  if (n > 64) return above64(at, n);
  const a = u64(at(0) * (n <= 32 ? K1 : K2));
  const b = at(8);
  const c = u64(at(n - 8) * mul);
  const y = u64(rotr(a + b, 43) + rotr(c, 30) + at(n - 16) * K2);
  const z = mix(y, u64(a + rotr(b + K2, 18) + c), mul);
  if (n <= 32) return z;
  const e = u64(at(16) * mul);
  const f = at(24);
  const g = u64((y + at(n - 32)) * mul);
  const h = u64((z + at(n - 24)) * mul);
  return mix(u64(rotr(e + f, 43) + rotr(g, 30) + h), u64(e + rotr(f + a, 18) + g), mul);
}

/** TensorFlow's FingerprintCat64: the hash of a hash and one more. */
export function farmHashCat(left: bigint, right: bigint): bigint {
  const both = u64((left ^ CAT ^ u64(shiftMix(u64(right * CAT)) * CAT)) * CAT);
  return shiftMix(u64(shiftMix(both) * CAT));
}

function above64(at: (i: number) => bigint, n: number): bigint {
  let x = u64(81n * K2 + at(0));
  let y = u64(81n * K1 + 113n);
  let z = u64(shiftMix(u64(y * K2 + 113n)) * K2);
  let v: Pair = [0n, 0n];
  let w: Pair = [0n, 0n];
  const rest = (n - 1) & 63;
  /** One block of 64 bytes; the last one multiplies by another number, and weighs three summands by 9. */
  const block = (p: number, mul: bigint, nine: bigint): void => {
    x = u64(rotr(x + y + v[0] + at(p + 8), 37) * mul) ^ u64(w[1] * nine);
    y = u64(rotr(y + v[1] + at(p + 48), 42) * mul + v[0] * nine + at(p + 40));
    z = u64(rotr(z + w[0], 33) * mul);
    v = weak(at, p, v[1] * mul, x + w[0]);
    w = weak(at, p + 32, z + w[1], y + at(p + 16));
    [x, z] = [z, x];
  };
  for (let p = 0; p < n - 1 - rest; p += 64) block(p, K1, 1n);
  const mul = K1 + ((z & 0xffn) << 1n);
  w = [u64(w[0] + BigInt(rest)), w[1]];
  v = [u64(v[0] + w[0]), v[1]];
  w = [u64(w[0] + v[0]), w[1]];
  block(n - 64, mul, 9n);
  const first = mix(v[0], w[0], mul) + shiftMix(y) * K0 + z;
  return mix(u64(first), u64(mix(v[1], w[1], mul) + x), mul);
}

type Pair = readonly [bigint, bigint];

function weak(at: (i: number) => bigint, p: number, a: bigint, b: bigint): Pair {
  const c = u64(a + at(p));
  const sum = c + at(p + 8) + at(p + 16);
  return [u64(sum + at(p + 24)), u64(rotr(b + c + at(p + 24), 21) + rotr(sum, 44) + c)];
}

function mix(u: bigint, v: bigint, mul: bigint): bigint {
  return u64(shiftMix(u64((v ^ shiftMix(u64((u ^ v) * mul))) * mul)) * mul);
}

function shiftMix(value: bigint): bigint {
  return value ^ (value >> 47n);
}

function rotr(value: bigint, bits: number): bigint {
  const v = u64(value);
  return u64((v >> BigInt(bits)) | (v << BigInt(64 - bits)));
}

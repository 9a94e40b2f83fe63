// FarmHash's Fingerprint64 (farmhashna::Hash64, https://github.com/google/farmhash), which never changes: what TensorFlow
// puts strings into buckets by. And what is built on it: hashes of decimal text, crosses, and a table to look values up
// in. Twin: src/dataset/features/farmhash.ts.
const K0: u64 = 0xc3a5c85c97cb3127;
const K1: u64 = 0xb492b66fbe98f273;
const K2: u64 = 0x9ae16a3b2f90404f;
const CAT: u64 = 0xc6a4a7935bd1e995;

// @ts-ignore: decorator
@inline
function shiftMix(v: u64): u64 {
  return v ^ (v >> 47);
}

// @ts-ignore: decorator
@inline
function mix(u: u64, v: u64, mul: u64): u64 {
  return shiftMix((v ^ shiftMix((u ^ v) * mul)) * mul) * mul;
}

// @ts-ignore: decorator
@inline
function upTo16(p: usize, n: u64): u64 {
  if (n >= 8) {
    const mul = K2 + n * 2;
    const a = load<u64>(p) + K2;
    const b = load<u64>(p + (n as usize) - 8);
    return mix(rotr<u64>(b, 37) * mul + a, (rotr<u64>(a, 25) + b) * mul, mul);
  }
  if (n >= 4) return mix(n + ((load<u32>(p) as u64) << 3), load<u32>(p + (n as usize) - 4) as u64, K2 + n * 2);
  if (n == 0) return K2;
  const y = (load<u8>(p) as u64) + ((load<u8>(p + ((n as usize) >> 1)) as u64) << 8);
  const z = n + ((load<u8>(p + (n as usize) - 1) as u64) << 2);
  return shiftMix((y * K2) ^ (z * K0)) * K2;
}

// @ts-ignore: decorator
@inline
function upTo32(p: usize, n: u64): u64 {
  const end = p + (n as usize);
  const mul = K2 + n * 2;
  const a = load<u64>(p) * K1;
  const b = load<u64>(p, 8);
  const c = load<u64>(end - 8) * mul;
  const d = load<u64>(end - 16) * K2;
  return mix(rotr<u64>(a + b, 43) + rotr<u64>(c, 30) + d, a + rotr<u64>(b + K2, 18) + c, mul);
}

function upTo64(p: usize, n: u64): u64 {
  const end = p + (n as usize);
  const mul = K2 + n * 2;
  const a = load<u64>(p) * K2;
  const b = load<u64>(p, 8);
  const c = load<u64>(end - 8) * mul;
  const d = load<u64>(end - 16) * K2;
  const y = rotr<u64>(a + b, 43) + rotr<u64>(c, 30) + d;
  const z = mix(y, a + rotr<u64>(b + K2, 18) + c, mul);
  const e = load<u64>(p, 16) * mul;
  const f = load<u64>(p, 24);
  const g = (y + load<u64>(end - 32)) * mul;
  const h = (z + load<u64>(end - 24)) * mul;
  return mix(rotr<u64>(e + f, 43) + rotr<u64>(g, 30) + h, e + rotr<u64>(f + a, 18) + g, mul);
}

// The second half of WeakHashLen32WithSeeds; the first is a + w + x + y + z.
// @ts-ignore: decorator
@inline
function weakSecond(p: usize, a: u64, b: u64): u64 {
  const c = a + load<u64>(p);
  return rotr<u64>(b + c + load<u64>(p, 24), 21) + rotr<u64>(c + load<u64>(p, 8) + load<u64>(p, 16), 44) + c;
}

// @ts-ignore: decorator
@inline
function weakFirst(p: usize, a: u64): u64 {
  return a + load<u64>(p) + load<u64>(p, 8) + load<u64>(p, 16) + load<u64>(p, 24);
}

function above64(p: usize, n: u64): u64 {
  let x: u64 = 81 * K2 + load<u64>(p);
  let y: u64 = 81 * K1 + 113;
  let z = shiftMix(y * K2 + 113) * K2;
  let v1: u64 = 0;
  let v2: u64 = 0;
  let w1: u64 = 0;
  let w2: u64 = 0;
  const rest = (n - 1) & 63;
  const last = p + (n as usize) - 64;
  const end = p + ((n - 1 - rest) as usize);
  do {
    x = rotr<u64>(x + y + v1 + load<u64>(p, 8), 37) * K1;
    y = rotr<u64>(y + v2 + load<u64>(p, 48), 42) * K1;
    x ^= w2;
    y += v1 + load<u64>(p, 40);
    z = rotr<u64>(z + w1, 33) * K1;
    v1 = x + w1;
    w1 = v2 * K1;
    v2 = weakSecond(p, w1, v1);
    v1 = weakFirst(p, w1);
    w1 = z + w2;
    w2 = weakSecond(p + 32, w1, y + load<u64>(p, 16));
    w1 = weakFirst(p + 32, w1);
    const swap = z;
    z = x;
    x = swap;
    p += 64;
  } while (p < end);
  const mul = K1 + ((z & 0xff) << 1);
  p = last;
  w1 += rest;
  v1 += w1;
  w1 += v1;
  x = rotr<u64>(x + y + v1 + load<u64>(p, 8), 37) * mul;
  y = rotr<u64>(y + v2 + load<u64>(p, 48), 42) * mul;
  x ^= w2 * 9;
  y += v1 * 9 + load<u64>(p, 40);
  z = rotr<u64>(z + w1, 33) * mul;
  const seed = v2 * mul;
  v2 = weakSecond(p, seed, x + w1);
  v1 = weakFirst(p, seed);
  w1 = z + w2;
  w2 = weakSecond(p + 32, w1, y + load<u64>(p, 16));
  w1 = weakFirst(p + 32, w1);
  return mix(mix(v1, w1, mul) + shiftMix(y) * K0 + x, mix(v2, w2, mul) + z, mul);
}

// @ts-ignore: decorator
@inline
function farmHash(p: usize, n: u64): u64 {
  if (n <= 16) return upTo16(p, n);
  if (n <= 32) return upTo32(p, n);
  return n <= 64 ? upTo64(p, n) : above64(p, n);
}

/** A hash as it is (u64), or with `buckets` its bucket (f64). */
// @ts-ignore: decorator
@inline
function storeHash(out: usize, hash: u64, buckets: u32): void {
  if (buckets == 0) store<u64>(out, hash);
  else store<f64>(out, (hash % (buckets as u64)) as f64);
}

/**
 * One u64 an item, the hash of data[offsets[i] .. offsets[i + 1]), or with `buckets` one f64, the hash modulo their number.
 * Returns how many items were hashed: fewer than `items` where the next one does not lie within the `bytes` of data.
 */
export function farmHashItems(data: usize, bytes: u32, offsets: usize, items: u32, buckets: u32, out: usize): u32 {
  let from = load<u32>(offsets);
  for (let i: u32 = 0; i < items; i++) {
    offsets += 4;
    const to = load<u32>(offsets);
    if (to < from || to > bytes) return i;
    storeHash(out, farmHash(data + from, (to - from) as u64), buckets);
    out += 8;
    from = to;
  }
  return items;
}

/** Two digits. */
// @ts-ignore: decorator
@inline
function storePair(at: usize, value: u32): void {
  const tens = (value * 103) >> 10;
  store<u16>(at, (0x3030 + tens + ((value - tens * 10) << 8)) as u16);
}

/** Writes a number in decimal, to end at `p`, and returns where it begins. */
// @ts-ignore: decorator
@inline
function decimalBefore(p: usize, value: i64): usize {
  let rest: u64 = value < 0 ? 0 - (value as u64) : (value as u64);
  for (; rest >= 100_000_000; p -= 8) {
    const above = rest / 100_000_000;
    let eight = (rest - above * 100_000_000) as u32;
    for (let at = p - 2; at >= p - 8; at -= 2, eight /= 100) storePair(at, eight % 100);
    rest = above;
  }
  let last = rest as u32;
  for (; last >= 100; last /= 100) storePair((p -= 2), last % 100);
  if (last >= 10) storePair((p -= 2), last);
  else store<u8>(--p, (48 + last) as u8);
  if (value < 0) store<u8>(--p, 45);
  return p;
}

/**
 * The same for int64, of the decimal text of each, as tf.as_string writes it. May be done in place. `scratch` is 64 texts of
 * up to 20 bytes, and their lengths: so many are written before any is hashed, as reading at once what was stored in
 * pieces waits for the stores, a third of the time.
 */
export function farmHashDecimals(values: usize, count: u32, scratch: usize, buckets: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i += 64) {
    const block = min<u32>(64, count - i);
    let end = scratch + 20;
    for (let k: u32 = 0; k < block; k++, end += 24, values += 8) {
      store<u32>(end, (end - decimalBefore(end, load<i64>(values))) as u32);
    }
    end = scratch + 20;
    for (let k: u32 = 0; k < block; k++, end += 24, out += 8) {
      const length = load<u32>(end);
      storeHash(out, farmHash(end - length, length as u64), buckets);
    }
  }
}

/**
 * Every combination of the hashes so far with those of one more column, row by row, the new column's values fastest:
 * TensorFlow's FingerprintCat64. Rows are cut by u32 offsets, which the caller has checked.
 */
export function farmHashCross(a: usize, aOffsets: usize, b: usize, bOffsets: usize, rows: u32, out: usize): void {
  for (let row: u32 = 0; row < rows; row++) {
    const aEnd = a + ((load<u32>(aOffsets, 4) as usize) << 3);
    const bStart = b + ((load<u32>(bOffsets) as usize) << 3);
    const bEnd = b + ((load<u32>(bOffsets, 4) as usize) << 3);
    for (let p = a + ((load<u32>(aOffsets) as usize) << 3); p < aEnd; p += 8) {
      const left = load<u64>(p) ^ CAT;
      for (let q = bStart; q < bEnd; q += 8, out += 8) {
        const both = (left ^ (shiftMix(load<u64>(q) * CAT) * CAT)) * CAT;
        store<u64>(out, shiftMix(shiftMix(both) * CAT));
      }
    }
    aOffsets += 4;
    bOffsets += 4;
  }
}

/** f64 out of u64: each modulo `buckets`. May be done in place. */
export function hashesToBuckets(hashes: usize, count: u32, buckets: u32, out: usize): void {
  const n = buckets as u64;
  for (const end = hashes + ((count as usize) << 3); hashes < end; hashes += 8, out += 8) {
    store<f64>(out, (load<u64>(hashes) % n) as f64);
  }
}

/** i64 out of f64, truncated. May be done in place. */
export function float64ToInt64(values: usize, count: u32, out: usize): void {
  for (const end = values + ((count as usize) << 3); values < end; values += 8, out += 8) {
    store<i64>(out, load<f64>(values) as i64);
  }
}

/**
 * Fills a zeroed table of `mask` + 1 slots of 8 bytes (a power of two, more than `count`) with the places of hashes: the
 * upper half of the hash and the place + 1.
 */
export function vocabularyFill(hashes: usize, count: u32, table: usize, mask: u32): void {
  for (let i: u32 = 0; i < count; i++, hashes += 8) {
    let slot = load<u32>(hashes) & mask;
    while (load<u32>(table + ((slot as usize) << 3), 4) != 0) slot = (slot + 1) & mask;
    store<u32>(table + ((slot as usize) << 3), load<u32>(hashes, 4));
    store<u32>(table + ((slot as usize) << 3), i + 1, 4);
  }
}

/**
 * f64 an item, in place of its hash: its place in the vocabulary plus `unknown`, or if it is not in there one of the classes
 * below, by hash, or where items are int64 by tf.math.floormod; -1 where `unknown` is 0. `farmHashItems` has checked the
 * offsets.
 */
export function vocabularyFind(
  data: usize,
  offsets: usize,
  items: u32,
  hashes: usize,
  table: usize,
  mask: u32,
  words: usize,
  wordOffsets: usize,
  unknown: u32,
  int64: bool,
): void {
  for (let i: u32 = 0; i < items; i++, hashes += 8, offsets += 4) {
    const tag = load<u32>(hashes, 4);
    const from = load<u32>(offsets);
    const length = load<u32>(offsets, 4) - from;
    let place: u32 = 0;
    for (let slot = load<u32>(hashes) & mask; ; slot = (slot + 1) & mask) {
      const entry = table + ((slot as usize) << 3);
      place = load<u32>(entry, 4);
      if (place == 0) break;
      if (load<u32>(entry) != tag) continue;
      const word = wordOffsets + ((place as usize) << 2);
      const start = load<u32>(word - 4);
      if (load<u32>(word) - start == length && memory.compare(data + from, words + start, length) == 0) break;
    }
    let found: i64 = (place as i64) - 1;
    if (place != 0) found += unknown as i64;
    else if (unknown > 0) found = unknown == 1 ? 0 : unknownClass(data + from, load<u64>(hashes), unknown as i64, int64);
    store<f64>(hashes, found as f64);
  }
}

function unknownClass(value: usize, hash: u64, unknown: i64, int64: bool): i64 {
  if (!int64) return (hash % (unknown as u64)) as i64;
  const rest = load<i64>(value) % unknown;
  return rest < 0 ? rest + unknown : rest;
}

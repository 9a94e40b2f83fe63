// XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) over the values of a column, and the registers
// that estimate how many distinct hashes were seen. Twins: src/records/xxh64.ts and src/records/distinct.ts.
import {
  C_KIND,
  C_OFFSETS,
  C_ROW_OFFSETS,
  C_VALIDITY,
  C_VALUES,
  C_WIDTH,
  KIND_BYTES,
  KIND_FLOAT,
  KIND_INT64,
  RAGGED,
} from './column';

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

/** What a missing row and an empty list hash to, under any seed: no value is needed to know them. */
export const HASH_MISSING: u64 = 0x6d697373696e6721;
export const HASH_EMPTY: u64 = 0x656d707479212121;

// @ts-ignore: decorator
@inline
function avalanche(h: u64): u64 {
  h ^= h >> 33;
  h *= P2;
  h ^= h >> 29;
  h *= P3;
  return h ^ (h >> 32);
}

// @ts-ignore: decorator
@inline
function round(acc: u64, input: u64): u64 {
  return rotl<u64>(acc + input * P2, 31) * P1;
}

/** XXH64 of 8 bytes, given as the u64 they are in little endian. */
// @ts-ignore: decorator
@inline
export function hashU64(v: u64, seed: u64): u64 {
  return avalanche(rotl<u64>((seed + P5 + 8) ^ round(0, v), 27) * P1 + P4);
}

/** XXH64 of 4 bytes. */
// @ts-ignore: decorator
@inline
export function hashU32(v: u32, seed: u64): u64 {
  return avalanche(rotl<u64>((seed + P5 + 4) ^ ((v as u64) * P1), 23) * P2 + P3);
}

/** The bits of a float32 as they are hashed and counted: one zero, one NaN. */
// @ts-ignore: decorator
@inline
export function canonicalF32(bits: u32): u32 {
  const magnitude = bits & 0x7fffffff;
  if (magnitude == 0) return 0;
  return magnitude > 0x7f800000 ? 0x7fc00000 : bits;
}

/** XXH64 of n bytes. */
export function hashBytes(p: usize, n: u32, seed: u64): u64 {
  let h: u64;
  const end = p + n;
  if (n >= 32) {
    let a = seed + P1 + P2;
    let b = seed + P2;
    let c = seed;
    let d = seed - P1;
    const limit = end - 32;
    do {
      a = round(a, load<u64>(p));
      b = round(b, load<u64>(p, 8));
      c = round(c, load<u64>(p, 16));
      d = round(d, load<u64>(p, 24));
      p += 32;
    } while (p <= limit);
    h = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    h = (h ^ round(0, a)) * P1 + P4;
    h = (h ^ round(0, b)) * P1 + P4;
    h = (h ^ round(0, c)) * P1 + P4;
    h = (h ^ round(0, d)) * P1 + P4;
  } else {
    h = seed + P5;
  }
  h += n as u64;
  while (p + 8 <= end) {
    h = rotl<u64>(h ^ round(0, load<u64>(p)), 27) * P1 + P4;
    p += 8;
  }
  if (p + 4 <= end) {
    h = rotl<u64>(h ^ ((load<u32>(p) as u64) * P1), 23) * P2 + P3;
    p += 4;
  }
  while (p < end) {
    h = rotl<u64>(h ^ ((load<u8>(p) as u64) * P5), 11) * P1;
    p++;
  }
  return avalanche(h);
}

/** XXH64 of n bytes at p, written to out (8 bytes, little endian). */
export function xxh64At(p: usize, n: u32, seed: u32, out: usize): void {
  store<u64>(out, hashBytes(p, n, seed));
}

/**
 * One u64 per row: the hash of the row's value; of several values chained, each hash being the seed of the next; a
 * missing row is HASH_MISSING, an empty list HASH_EMPTY.
 */
export function hashColumn(column: usize, rows: u32, out: usize, seed: u32): void {
  const kind = load<u32>(column, C_KIND);
  const width = load<u32>(column, C_WIDTH);
  const values = load<u32>(column, C_VALUES) as usize;
  const offsets = load<u32>(column, C_OFFSETS) as usize;
  const rowOffsets = load<u32>(column, C_ROW_OFFSETS) as usize;
  const validity = load<u32>(column, C_VALIDITY) as usize;
  for (let row: u32 = 0; row < rows; row++, out += 8) {
    if (load<u8>(validity + row) == 0) {
      store<u64>(out, HASH_MISSING);
      continue;
    }
    let i: u32 = row * width;
    let end: u32 = i + width;
    if (width == RAGGED) {
      i = load<u32>(rowOffsets + ((row as usize) << 2));
      end = load<u32>(rowOffsets + ((row as usize) << 2), 4);
    }
    if (i == end) {
      store<u64>(out, HASH_EMPTY);
      continue;
    }
    let h: u64 = seed;
    if (kind == KIND_INT64) {
      for (; i < end; i++) h = hashU64(load<u64>(values + ((i as usize) << 3)), h);
    } else if (kind == KIND_FLOAT) {
      for (; i < end; i++) h = hashU32(canonicalF32(load<u32>(values + ((i as usize) << 2))), h);
    } else if (kind == KIND_BYTES) {
      for (; i < end; i++) {
        const from = load<u32>(offsets + ((i as usize) << 2));
        h = hashBytes(values + from, load<u32>(offsets + ((i as usize) << 2), 4) - from, h);
      }
    }
    store<u64>(out, h);
  }
}

// Registers of an UltraLogLog (O. Ertl, "UltraLogLog", PVLDB 17(7), 2024): one byte each, u << 2 | b1 << 1 | b0, where u
// is the largest rank seen and b1, b0 tell whether u - 1 and u - 2 were seen too. A fourth of the variance that a
// HyperLogLog of as many bytes would add is gone, and merging is as simple.
export const DISTINCT_BITS: u64 = 15;

const RANKS: i32 = 64 - 15 + 1;
// The register that follows when rank k + 1 comes to register r, at k * 256 + r: 12,800 bytes at the end of the first
// 64 KiB, which no data segment has to fill.
const STEPS: usize = 49152;
let stepsReady: bool = false;

/** Must be called before `distinctNote`. */
export function distinctInit(): void {
  if (stepsReady) return;
  for (let k = 0; k < RANKS; k++) {
    for (let r = 0; r < 256; r++) {
      const top = r >> 2;
      // The ranks seen as bits: rank n at bit n + 1, so that the two bits below the highest always exist.
      const seen = (top == 0 ? 0 : ((4 | (r & 3)) as u64) << (top - 1)) | ((4 as u64) << k);
      const highest = 62 - (clz<u64>(seen) as i32);
      store<u8>(STEPS + (k << 8) + r, ((highest << 2) | (((seen >> (highest - 1)) & 3) as i32)) as u8);
    }
  }
  stepsReady = true;
}

/** Notes one hash. */
// @ts-ignore: decorator
@inline
export function distinctNote(registers: usize, hash: u64): void {
  distinctNoteIn(registers, hash, DISTINCT_BITS);
}

/** Notes one hash in 2^bits registers, bits <= DISTINCT_BITS. */
// @ts-ignore: decorator
@inline
export function distinctNoteIn(registers: usize, hash: u64, bits: u64): void {
  const at = registers + ((hash >> (64 - bits)) as usize);
  const k = clz<u64>((hash << bits) | (1 << (DISTINCT_BITS - 1))) as usize;
  store<u8>(at, load<u8>(STEPS + (k << 8) + load<u8>(at)));
}

/** Notes `count` hashes (u64 each) in 2^DISTINCT_BITS registers. */
export function distinctAdd(registers: usize, hashes: usize, count: u32): void {
  distinctInit();
  for (let i: usize = 0; i < count; i++) distinctNote(registers, load<u64>(hashes + (i << 3)));
}

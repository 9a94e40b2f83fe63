// The protobuf wire format, read from bytes that are not trusted. A position of 0 says that they are malformed.
import { MALFORMED, Now, OK, X_POSITION } from './example-context';

// @ts-ignore: decorator
@inline
export function fail(q: usize): usize {
  if (Now.status == OK) {
    Now.status = MALFORMED;
    store<u32>(Now.ctx, q as u32, X_POSITION);
  }
  return 0;
}

/** Reads a varint into `value`; returns the position behind it, or 0 (never a position) where it is malformed. */
function readVarint(q: usize, end: usize): usize {
  let result: u64 = 0;
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    if (q >= end) return fail(q);
    const b = load<u8>(q++) as u64;
    result |= (b & 127) << shift;
    if (b < 128) {
      Now.value = result;
      return q;
    }
  }
  return fail(q);
}

// @ts-ignore: decorator
@inline
export function varint(q: usize, end: usize): usize {
  if (q < end) {
    const b = load<u8>(q) as u64;
    if (b < 128) {
      Now.value = b;
      return q + 1;
    }
  }
  return readVarint(q, end);
}

/** Reads a tag into `value`. */
// @ts-ignore: decorator
@inline
export function tagAt(q: usize, end: usize): usize {
  q = varint(q, end);
  if (q == 0) return 0;
  if (Now.value > 0xffffffff || Now.value < 8 || (Now.value & 7) > 5) return fail(q);
  return q;
}

/** Reads a length and checks that it fits; the length is in `value`. */
// @ts-ignore: decorator
@inline
export function lengthAt(q: usize, end: usize): usize {
  q = varint(q, end);
  if (q == 0) return 0;
  if (Now.value > ((end - q) as u64)) return fail(q);
  return q;
}

const MAX_GROUP_DEPTH: u32 = 100;

/** Skips the field whose tag was just read. */
export function skipField(q: usize, end: usize, tag: u32): usize {
  const open = memory.data(400);
  let depth: u32 = 0;
  while (true) {
    const wire = tag & 7;
    if (wire == 0) {
      q = varint(q, end);
    } else if (wire == 1) {
      q = end - q < 8 ? fail(q) : q + 8;
    } else if (wire == 2) {
      q = lengthAt(q, end);
      if (q != 0) q += Now.value as usize;
    } else if (wire == 5) {
      q = end - q < 4 ? fail(q) : q + 4;
    } else if (wire == 3) {
      if (depth == MAX_GROUP_DEPTH) return fail(q);
      store<u32>(open + ((depth as usize) << 2), tag >>> 3);
      depth++;
    } else {
      if (depth == 0) return fail(q);
      depth--;
      if (load<u32>(open + ((depth as usize) << 2)) != tag >>> 3) return fail(q);
    }
    if (q == 0 || depth == 0) return q;
    q = tagAt(q, end);
    if (q == 0) return 0;
    tag = Now.value as u32;
  }
}

/** Copies 16 bytes at a time; up to 31 bytes behind source and target are touched. */
// @ts-ignore: decorator
@inline
export function copyBytes(to: usize, from: usize, bytes: usize): void {
  // Most items are short: two vectors without a loop, whose end would be mispredicted.
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  for (let i: usize = 32; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
}

// @ts-ignore: decorator
@inline
export function keysEqual(a: usize, b: usize, length: u32): bool {
  let i: usize = 0;
  for (; i + 8 <= (length as usize); i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  const rest = (length & 7) as u64;
  if (rest == 0) return true;
  return ((load<u64>(a + i) ^ load<u64>(b + i)) << (64 - (rest << 3))) == 0;
}

/** The hash by which columns are found; src/records/example-decoder.ts computes the same. */
export function hashKey(p: usize, length: u32): u32 {
  let h: u32 = length;
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) h = rotl<u32>((h ^ load<u32>(p + i)) * 0x9e3779b1, 13);
  const rest = length & 3;
  if (rest != 0) h = rotl<u32>((h ^ (load<u32>(p + i) & (0xffffffff >>> (32 - (rest << 3))))) * 0x9e3779b1, 13);
  return h ^ (h >>> 15);
}

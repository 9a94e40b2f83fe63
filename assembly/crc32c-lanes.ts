// CRC32C of sixteen runs of bytes at once, 2 x the speed of three in step by tables in memory. The sixteen CRC states lie
// as four vectors, byte k of every state in vector k. A byte of every run is taken in one step: the states shift by one
// vector, and what falls out is looked up, by nibbles, in tables that are vectors themselves. src/records/crc32c.ts is
// the twin.
import { fold, MIN_FOLD, REST_BYTES } from './crc32c-fold';

const LANES: usize = 16;

/** Tables of 16 bytes: byte k of the CRC of a low nibble at 32 k, of a high nibble at 32 k + 16. */
const NIBBLES: usize = memory.data(128, 16);
/** The state of each lane. */
const STATE: usize = memory.data(64, 16);
/** Sixteen addresses, and sixteen more. */
const RUNS: usize = memory.data(128, 16);
/** How many blocks of 16 bytes can be put together in HEAD for each run. */
const MAX_HEAD: u32 = 64;
const HEAD_BYTES: usize = 1024;
// Scratch memory, given by the owner: 1024 zeros and as many ones (bits); 1024 zeros, four bytes of ones and as many zeros;
// the heads of sixteen runs.
let ONES: usize = 0;
let START: usize = 0;
let HEAD: usize = 0;
/** What folding leaves of sixteen runs. */
let REST: usize = 0;

export function crc32cScratchBytes(): usize {
  return 2 * (2 * HEAD_BYTES + 16) + 16 * HEAD_BYTES + 16 * REST_BYTES;
}

export function crc32cLanesInit(scratch: usize): void {
  ONES = scratch;
  START = ONES + 2 * HEAD_BYTES + 16;
  HEAD = START + 2 * HEAD_BYTES + 16;
  REST = HEAD + 16 * HEAD_BYTES;
  memory.fill(scratch, 0, HEAD - scratch);
  memory.fill(ONES + HEAD_BYTES, 0xff, HEAD_BYTES + 16);
  store<u32>(START + HEAD_BYTES, 0xffffffff);
  for (let n: u32 = 0; n < 16; n++) {
    for (let k: usize = 0; k < 4; k++) {
      store<u8>(NIBBLES + 32 * k + n, load<u8>(((n as usize) << 2) + k));
      store<u8>(NIBBLES + 32 * k + n, load<u8>(((n as usize) << 6) + k), 16);
    }
  }
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
function low16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function high16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/**
 * Takes lanes over `head` blocks of 16 bytes, lane i's from the address at RUNS + 4 i on, then over `body` blocks from that
 * at RUNS + 64 + 4 i on. Every byte of the first lane's state is `first` at the beginning, the others are zero; STATE
 * has them all at the end. Four rounds of
 * interleaving rows i and i + 8 turn a square of 16 x 16 bytes on its side; sixteen steps follow. Unrolled by hand: a loop
 * would go through memory, and takes a third longer.
 */
function advance(first: u32, head: u32, body: u32): void {
  let s0 = i8x16.replace_lane(i8x16.splat(0), 0, first as i8);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const l0 = v128.load(NIBBLES);
  const h0 = v128.load(NIBBLES, 16);
  const l1 = v128.load(NIBBLES, 32);
  const h1 = v128.load(NIBBLES, 48);
  const l2 = v128.load(NIBBLES, 64);
  const h2 = v128.load(NIBBLES, 80);
  const l3 = v128.load(NIBBLES, 96);
  const h3 = v128.load(NIBBLES, 112);
  const nibble = i8x16.splat(15);
  let runs = RUNS;
  let at: usize = 0;
  let end = (head as usize) << 4;
  while (true) {
    if (at == end) {
      if (runs != RUNS) break;
      runs = RUNS + 64;
      at = 0;
      end = (body as usize) << 4;
      continue;
    }
    const r0 = v128.load((load<u32>(runs, 0) as usize) + at);
    const r1 = v128.load((load<u32>(runs, 4) as usize) + at);
    const r2 = v128.load((load<u32>(runs, 8) as usize) + at);
    const r3 = v128.load((load<u32>(runs, 12) as usize) + at);
    const r4 = v128.load((load<u32>(runs, 16) as usize) + at);
    const r5 = v128.load((load<u32>(runs, 20) as usize) + at);
    const r6 = v128.load((load<u32>(runs, 24) as usize) + at);
    const r7 = v128.load((load<u32>(runs, 28) as usize) + at);
    const r8 = v128.load((load<u32>(runs, 32) as usize) + at);
    const r9 = v128.load((load<u32>(runs, 36) as usize) + at);
    const ra = v128.load((load<u32>(runs, 40) as usize) + at);
    const rb = v128.load((load<u32>(runs, 44) as usize) + at);
    const rc = v128.load((load<u32>(runs, 48) as usize) + at);
    const rd = v128.load((load<u32>(runs, 52) as usize) + at);
    const re = v128.load((load<u32>(runs, 56) as usize) + at);
    const rf = v128.load((load<u32>(runs, 60) as usize) + at);
    const a0 = low(r0, r8);
    const a1 = high(r0, r8);
    const a2 = low(r1, r9);
    const a3 = high(r1, r9);
    const a4 = low(r2, ra);
    const a5 = high(r2, ra);
    const a6 = low(r3, rb);
    const a7 = high(r3, rb);
    const a8 = low(r4, rc);
    const a9 = high(r4, rc);
    const aa = low(r5, rd);
    const ab = high(r5, rd);
    const ac = low(r6, re);
    const ad = high(r6, re);
    const ae = low(r7, rf);
    const af = high(r7, rf);
    const b0 = low(a0, a8);
    const b1 = high(a0, a8);
    const b2 = low(a1, a9);
    const b3 = high(a1, a9);
    const b4 = low(a2, aa);
    const b5 = high(a2, aa);
    const b6 = low(a3, ab);
    const b7 = high(a3, ab);
    const b8 = low(a4, ac);
    const b9 = high(a4, ac);
    const ba = low(a5, ad);
    const bb = high(a5, ad);
    const bc = low(a6, ae);
    const bd = high(a6, ae);
    const be = low(a7, af);
    const bf = high(a7, af);
    const c0 = low(b0, b8);
    const c1 = high(b0, b8);
    const c2 = low(b1, b9);
    const c3 = high(b1, b9);
    const c4 = low(b2, ba);
    const c5 = high(b2, ba);
    const c6 = low(b3, bb);
    const c7 = high(b3, bb);
    const c8 = low(b4, bc);
    const c9 = high(b4, bc);
    const ca = low(b5, bd);
    const cb = high(b5, bd);
    const cc = low(b6, be);
    const cd = high(b6, be);
    const ce = low(b7, bf);
    const cf = high(b7, bf);
    const d0 = low(c0, c8);
    const d1 = high(c0, c8);
    const d2 = low(c1, c9);
    const d3 = high(c1, c9);
    const d4 = low(c2, ca);
    const d5 = high(c2, ca);
    const d6 = low(c3, cb);
    const d7 = high(c3, cb);
    const d8 = low(c4, cc);
    const d9 = high(c4, cc);
    const da = low(c5, cd);
    const db = high(c5, cd);
    const dc = low(c6, ce);
    const dd = high(c6, ce);
    const de = low(c7, cf);
    const df = high(c7, cf);
    let x = v128.xor(d0, s0);
    let y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d1, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d2, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d3, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d4, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d5, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d6, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d7, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d8, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(d9, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(da, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(db, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(dc, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(dd, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(de, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    x = v128.xor(df, s0);
    y = v128.and(i16x8.shr_u(x, 4), nibble);
    x = v128.and(x, nibble);
    s0 = v128.xor(v128.xor(s1, i8x16.swizzle(l0, x)), i8x16.swizzle(h0, y));
    s1 = v128.xor(v128.xor(s2, i8x16.swizzle(l1, x)), i8x16.swizzle(h1, y));
    s2 = v128.xor(v128.xor(s3, i8x16.swizzle(l2, x)), i8x16.swizzle(h2, y));
    s3 = v128.xor(i8x16.swizzle(l3, x), i8x16.swizzle(h3, y));
    at += 16;
  }
  const a = low(s0, s1);
  const b = low(s2, s3);
  v128.store(STATE, low16(a, b));
  v128.store(STATE, high16(a, b), 16);
  const c = high(s0, s1);
  const d = high(s2, s3);
  v128.store(STATE, low16(c, d), 32);
  v128.store(STATE, high16(c, d), 48);
}

/** The state of one lane. */
// @ts-ignore: decorator
@inline
function stateOf(lane: usize): u32 {
  return load<u32>(STATE + (lane << 2));
}

/** CRCs of `count` <= 16 runs of any lengths from MIN_FOLD on; false, and nothing done, where one is shorter. */
export function crc32cFolded(base: usize, offsets: usize, lengths: usize, count: u32, out: usize): bool {
  for (let i: usize = 0; i < (count as usize); i++) {
    if (load<u32>(lengths + (i << 2)) < MIN_FOLD) return false;
  }
  for (let i: usize = 0; i < (count as usize); i++) {
    fold(base + load<u32>(offsets + (i << 2)), load<u32>(lengths + (i << 2)), REST + i * REST_BYTES);
  }
  for (let i: usize = 0; i < LANES; i++) store<u32>(RUNS + (i << 2), (REST + i * REST_BYTES) as u32, 64);
  advance(0, 0, (REST_BYTES >>> 4) as u32);
  for (let i: usize = 0; i < (count as usize); i++) store<u32>(out + (i << 2), ~stateOf(i));
  return true;
}

/**
 * CRCs of `count` <= 16 runs of different lengths, each of 16 bytes or more; run i begins at base + offsets[i]. The runs are
 * aligned at their ends: zeros before a run leave a state of zero as it is, and to begin with a state of ones is to
 * invert the first four bytes. What lies before the shortest run's fifth byte is put together in HEAD; false, and
 * nothing done, where that is too much, or so little is shared that other ways are faster.
 */
export function crc32cLanes(base: usize, offsets: usize, lengths: usize, count: u32, out: usize): bool {
  let shortest: u32 = 0xffffffff;
  let longest: u32 = 0;
  let sum: u32 = 0;
  for (let i: usize = 0; i < (count as usize); i++) {
    const length = load<u32>(lengths + (i << 2));
    shortest = min(shortest, length);
    longest = max(longest, length);
    sum += length;
  }
  if (shortest < 16 || longest > 0x1000000) return false;
  const blocks = (longest + 15) >>> 4;
  const head = min(blocks, ((blocks << 4) - shortest + 19) >>> 4);
  if (head > MAX_HEAD || (blocks << 4) - shortest > HEAD_BYTES || blocks << 7 > sum) return false;
  const headBytes = (head as usize) << 4;
  for (let i: usize = 0; i < (count as usize); i++) {
    // What is read before the run is masked away.
    const pad = ((blocks << 4) - load<u32>(lengths + (i << 2))) as usize;
    const from = base + load<u32>(offsets + (i << 2)) - pad;
    const ones = ONES + HEAD_BYTES - pad;
    const start = START + HEAD_BYTES - pad;
    const to = HEAD + i * headBytes;
    for (let k: usize = 0; k < headBytes; k += 16) {
      v128.store(to + k, v128.xor(v128.and(v128.load(from + k), v128.load(ones + k)), v128.load(start + k)));
    }
    store<u32>(RUNS + (i << 2), to as u32);
    store<u32>(RUNS + (i << 2), (from + headBytes) as u32, 64);
  }
  for (let i = count as usize; i < LANES; i++) {
    store<u32>(RUNS + (i << 2), load<u32>(RUNS));
    store<u32>(RUNS + (i << 2), load<u32>(RUNS, 64), 64);
  }
  advance(0, head, blocks - head);
  for (let i: usize = 0; i < (count as usize); i++) store<u32>(out + (i << 2), ~stateOf(i));
  return true;
}

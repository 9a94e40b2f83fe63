// Where CSV rows end: a newline ends a row where the number of quotes before it, from the start of the row, is even.
// The scan works on 64 bytes at a time: bit masks of quotes, newlines and carriage returns, and a prefix XOR of the
// quote mask that has a 1 for every byte inside quotes (as simdjson does it, Langdale & Lemire 2019).

// What the scan of a byte stream keeps between calls.
const S_PARITY: usize = 0; // 1 inside quotes
const S_AT_START: usize = 4; // 1 where the last byte ended a row, and at the very start
const S_CR_AT_START: usize = 8; // 1 where the last byte is a carriage return that began a row
const S_ROW_ENDS: usize = 12; // newlines outside quotes
const S_BLANKS: usize = 16; // of them, those that end a row of no bytes or of one carriage return
const S_LINES: usize = 20; // newlines, also in quotes
const S_QUOTE: usize = 24; // the quote byte, 256 for none

/** One bit for each of the 64 bytes at p that equals b. */
// @ts-ignore: decorator
@inline
export function bytesEqual(p: usize, b: v128): u64 {
  const m0 = i8x16.bitmask(i8x16.eq(v128.load(p), b)) as u64;
  const m1 = i8x16.bitmask(i8x16.eq(v128.load(p, 16), b)) as u64;
  const m2 = i8x16.bitmask(i8x16.eq(v128.load(p, 32), b)) as u64;
  const m3 = i8x16.bitmask(i8x16.eq(v128.load(p, 48), b)) as u64;
  return m0 | (m1 << 16) | (m2 << 32) | (m3 << 48);
}

/** Bit i of the result is the XOR of bits 0..i. */
// @ts-ignore: decorator
@inline
export function prefixXor(m: u64): u64 {
  m ^= m << 1;
  m ^= m << 2;
  m ^= m << 4;
  m ^= m << 8;
  m ^= m << 16;
  return m ^ (m << 32);
}

/** Adds n bytes at p to the scan. Reads up to 63 bytes beyond them. */
export function csvCount(p: usize, n: u32, state: usize): void {
  const quoteByte = load<u32>(state, S_QUOTE);
  const quote = i8x16.splat(quoteByte as i8);
  const quotes: u64 = quoteByte < 256 ? -1 : 0;
  const newline = i8x16.splat(10);
  const cr = i8x16.splat(13);
  let inside: u64 = load<u32>(state, S_PARITY) ? -1 : 0;
  let atStart: u64 = load<u32>(state, S_AT_START);
  let crAtStart: u64 = load<u32>(state, S_CR_AT_START);
  let rowEnds: u64 = 0;
  let blanks: u64 = 0;
  let lines: u64 = 0;
  const end = p + n;
  while (p < end) {
    let valid: u64 = -1;
    let last: u64 = 63;
    if (end - p < 64) {
      last = (end - p - 1) as u64;
      valid = valid >> (63 - last);
    }
    const newlines = bytesEqual(p, newline) & valid;
    const q = bytesEqual(p, quote) & quotes & valid;
    if (q) {
      inside ^= prefixXor(q);
    }
    const ends = newlines & ~inside;
    lines += popcnt(newlines);
    rowEnds += popcnt(ends);
    const starts = (ends << 1) | atStart; // bytes that begin a row
    atStart = (ends >> last) & 1;
    if (starts) {
      const lone = bytesEqual(p, cr) & starts & valid;
      blanks += popcnt(ends & (starts | (lone << 1) | crAtStart));
      crAtStart = (lone >> last) & 1;
    } else {
      blanks += ends & crAtStart;
      crAtStart = 0;
    }
    inside = ((inside >> last) & 1) != 0 ? -1 : 0;
    p += 64;
  }
  store<u32>(state, inside ? 1 : 0, S_PARITY);
  store<u32>(state, atStart as u32, S_AT_START);
  store<u32>(state, crAtStart as u32, S_CR_AT_START);
  store<u32>(state, load<u32>(state, S_ROW_ENDS) + (rowEnds as u32), S_ROW_ENDS);
  store<u32>(state, load<u32>(state, S_BLANKS) + (blanks as u32), S_BLANKS);
  store<u32>(state, load<u32>(state, S_LINES) + (lines as u32), S_LINES);
}

/**
 * Adds bytes at p up to and with the first newline that ends a row, or all n of them where there is none.
 * Returns how many bytes were added; whether they end a row is in the state.
 */
export function csvCountToRowEnd(p: usize, n: u32, state: usize): u32 {
  const quote = load<u32>(state, S_QUOTE);
  let parity = load<u32>(state, S_PARITY);
  let i: u32 = 0;
  while (i < n) {
    const b = load<u8>(p + i) as u32;
    i++;
    if (b == quote) parity ^= 1;
    else if (b == 10 && parity == 0) break;
  }
  csvCount(p, i, state);
  return i;
}

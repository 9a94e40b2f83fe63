// Numbers of up to 16 digits, written plainly: one vector, no loop. Whatever else there is csv-number.ts reads.

// 16 zero bytes, then 16 of 0xff: 16 bytes from offset n on keep the last n bytes of a vector
const KEEP_LAST: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
]);
// Row k: swizzle indices that take out byte k and move what is before it up by one; row 16 changes nothing
const TAKE_OUT: usize = memory.data(272, 16);
export const POWERS_OF_TEN: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

export function plainNumberInit(): void {
  for (let k: u32 = 0; k <= 16; k++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(TAKE_OUT + k * 16 + i, (i <= k && k < 16 ? i - 1 : i) as u8);
  }
}

// Vector constants. They lie in memory because V8 makes constants in code anew at every use.
export const C_ASCII_0: usize = memory.data<u8>([48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48], 16);
export const C_NINE: usize = memory.data<u8>([9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], 16);
export const C_DOT: usize = memory.data<i8>([-2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2], 16); // '.' - '0'
const C_EVEN: usize = memory.data<u16>([255, 255, 255, 255, 255, 255, 255, 255], 16);
const C_TEN: usize = memory.data<u16>([10, 10, 10, 10, 10, 10, 10, 10], 16);
const C_HUNDRED: usize = memory.data<u16>([100, 1, 100, 1, 100, 1, 100, 1], 16);
const C_TEN_THOUSAND: usize = memory.data<u16>([10000, 1, 10000, 1, 10000, 1, 10000, 1], 16);

/** Keeps the last n bytes of a vector, 0 <= n <= 16. */
// @ts-ignore: decorator
@inline
export function keepLast(n: u32): v128 {
  return v128.load(KEEP_LAST + n);
}

/** The value of 16 bytes that are digits 0..9 (values, not characters), most significant first. */
// @ts-ignore: decorator
@inline
function sixteenDigits(v: v128): u64 {
  // bytes -> pairs 0..99 as i16: even byte * 10 + odd byte
  const even = v128.and(v, v128.load(C_EVEN));
  const odd = i16x8.shr_u(v, 8);
  const pairs = i16x8.add(i16x8.mul(even, v128.load(C_TEN)), odd);
  // pairs -> fours 0..9999 as i32
  const fours = i32x4.dot_i16x8_s(pairs, v128.load(C_HUNDRED));
  // fours -> eights: pack to i16 first (9999 fits)
  const packed = i16x8.narrow_i32x4_s(fours, fours);
  const eights = i32x4.dot_i16x8_s(packed, v128.load(C_TEN_THOUSAND));
  const two = i64x2.extract_lane(eights, 0);
  return (two & 0xffffffff) * 100000000 + ((two as u64) >> 32);
}

/**
 * Puts an integer of 1..16 digits with an optional minus sign, in [s, e), at `out`, or `fallback` where `empty` is 1, which
 * says that the text has no bytes. Reads 16 bytes before e. Returns false, without a verdict, for everything else.
 */
// @ts-ignore: decorator
@inline
export function plainInt(s: usize, e: usize, empty: u32, fallback: i64, out: usize): bool {
  const negative = ((load<u8>(s) == 45) as u32) & (empty ^ 1);
  const length = ((e - s) as u32) - negative;
  if (length + empty - 1 > 15) return false;
  const text = i8x16.sub(v128.load(e - 16), v128.load(C_ASCII_0));
  const digits = v128.and(text, keepLast(length));
  if (v128.any_true(i8x16.gt_u(digits, v128.load(C_NINE)))) return false;
  const sign = -(negative as i64);
  const value = ((sixteenDigits(digits) as i64) ^ sign) - sign;
  store<i64>(out, empty ? fallback : value);
  return true;
}

/**
 * Puts a decimal number of 1..16 characters, digits with at most one dot, with an optional minus sign before them, in
 * [s, e), at `out`, rounded to float32 by way of the double. Reads 16 bytes before e. Returns false, without a verdict,
 * for everything else.
 */
// @ts-ignore: decorator
@inline
export function plainFloat(s: usize, e: usize, out: usize): bool {
  const negative = (load<u8>(s) == 45) as u32;
  const length = ((e - s) as u32) - negative;
  if (length - 1 > 15) return false;
  const text = v128.and(i8x16.sub(v128.load(e - 16), v128.load(C_ASCII_0)), keepLast(length));
  const dots = i8x16.bitmask(i8x16.eq(text, v128.load(C_DOT)));
  const dot = ctz(dots | 0x10000);
  const digits = i8x16.swizzle(text, v128.load(TAKE_OUT + (dot << 4)));
  if (v128.any_true(i8x16.gt_u(digits, v128.load(C_NINE)))) return false;
  if (length == 1 && dot < 16) return false; // a lone dot
  // with a dot at most 15 digits, so exact and rounded once by the division; without one rounded once right here
  const mantissa = sixteenDigits(digits) as i64;
  const value = (mantissa as f64) / load<f64>(POWERS_OF_TEN + ((dot < 16 ? 15 - dot : 0) << 3));
  store<u32>(out, reinterpret<u32>(value as f32) | (negative << 31)); // no branch on the sign, nobody can predict it
  return true;
}

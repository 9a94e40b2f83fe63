// Numbers out of text, exact: integers over the whole int64 range, floats as the correctly rounded double.
// Text of up to 16 digits goes the fast way (one vector, no loop); everything else is read by the scalar functions.

/** The slow, exact path for what neither Clinger nor Eisel-Lemire decides: TypeScript's Number() on plain ASCII. */
// @ts-ignore: decorator
@external('env', 'hostParseDouble')
declare function hostParseDouble(address: usize, length: u32): f64;

export const NUMBER_OK: u32 = 0;
export const NUMBER_FORM: u32 = 1;
export const NUMBER_RANGE: u32 = 2;

// 16 zero bytes, then 16 of 0xff: 16 bytes from offset n on keep the last n bytes of a vector
const KEEP_LAST: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
]);
// Row k: swizzle indices that take out byte k and move what is before it up by one; row 16 changes nothing
const TAKE_OUT: usize = memory.data(272, 16);
const POWERS_OF_TEN: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

// Powers 10^-348 .. 10^347 as 128 bit mantissas (low word, high word), rounded down, highest bit set; made by TypeScript
const POWERS_MIN: i32 = -348;
const POWERS_MAX: i32 = 347;
let widePowers: usize = 0;

/** What a scalar function found; read it right after the call. */
export let foundInt: i64 = 0;
export let foundFloat: f64 = 0;

export function csvNumberInit(powers: usize): void {
  widePowers = powers;
  for (let k: u32 = 0; k <= 16; k++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(TAKE_OUT + k * 16 + i, (i <= k && k < 16 ? i - 1 : i) as u8);
  }
}

// Vector constants. They lie in memory because V8 makes constants in code anew at every use.
const C_ASCII_0: usize = memory.data<u8>([48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48], 16);
const C_NINE: usize = memory.data<u8>([9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], 16);
const C_DOT: usize = memory.data<i8>([-2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2], 16); // '.' - '0'
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

// @ts-ignore: decorator
@inline
function lower(b: u32): u32 {
  return b | 32;
}

/** Whether [p, p + n) is the lower-case word at w, in any case. */
function isWord(p: usize, n: u32, w: usize, wordLength: u32): bool {
  if (n != wordLength) return false;
  for (let i: u32 = 0; i < n; i++) {
    const b = load<u8>(p + i) as u32;
    if (b >= 128 || lower(b) != (load<u8>(w + i) as u32)) return false;
  }
  return true;
}

const WORD_TRUE: usize = memory.data<u8>([116, 114, 117, 101]);
const WORD_FALSE: usize = memory.data<u8>([102, 97, 108, 115, 101]);
const WORD_NAN: usize = memory.data<u8>([110, 97, 110]);
const WORD_INFINITY: usize = memory.data<u8>([105, 110, 102, 105, 110, 105, 116, 121]);

/** 1 for true, 0 for false, 2 for anything else. */
export function boolWord(s: usize, e: usize): u32 {
  const n = (e - s) as u32;
  if (isWord(s, n, WORD_TRUE, 4)) return 1;
  return isWord(s, n, WORD_FALSE, 5) ? 0 : 2;
}

// What readDecimal found: sign, up to 19 significant digits, the exponent of the last of them, and how it was written
let decimalNegative: bool = false;
let decimalMantissa: u64 = 0;
let decimalExponent: i32 = 0;
let decimalTruncated: bool = false; // more significant digits than 19, some of them not zero
let decimalPlain: bool = false; // written with neither dot nor exponent

/** Reads [+-] digits [. digits] [e [+-] digits] out of [s, e), nothing else around it. */
function readDecimal(s: usize, e: usize): bool {
  let p = s;
  decimalNegative = false;
  if (p < e) {
    const b = load<u8>(p);
    if (b == 45 || b == 43) {
      decimalNegative = b == 45;
      p++;
    }
  }
  let mantissa: u64 = 0;
  let digits: u32 = 0; // significant digits in the mantissa
  let exponent: i32 = 0;
  let some = false;
  let dot = false;
  let plain = true;
  let truncated = false;
  for (; p < e; p++) {
    const b = load<u8>(p) as u32;
    const d = b - 48;
    if (d < 10) {
      some = true;
      if (digits < 19) {
        mantissa = mantissa * 10 + d;
        if (mantissa != 0) digits++;
        if (dot) exponent--;
      } else {
        if (d != 0) truncated = true;
        if (!dot) exponent++;
      }
    } else if (b == 46 && !dot) {
      dot = true;
      plain = false;
    } else break;
  }
  if (!some) return false;
  if (p < e) {
    if ((load<u8>(p++) | 32) != 101) return false;
    plain = false;
    let negative = false;
    if (p < e) {
      const b = load<u8>(p);
      if (b == 45 || b == 43) {
        negative = b == 45;
        p++;
      }
    }
    if (p == e) return false;
    let x: i32 = 0;
    for (; p < e; p++) {
      const d = (load<u8>(p) as u32) - 48;
      if (d > 9) return false;
      if (x < 100000000) x = x * 10 + d;
    }
    exponent += negative ? -x : x;
  }
  decimalMantissa = mantissa;
  decimalExponent = exponent;
  decimalTruncated = truncated;
  decimalPlain = plain;
  return true;
}

/**
 * Reads a whole number out of trimmed text: also 3.0 and 1e3, which are exact, and true and false.
 * Puts it into foundInt; NUMBER_FORM where the text is no whole number, NUMBER_RANGE where it is beyond int64.
 */
export function readInt(s: usize, e: usize): u32 {
  if (!readDecimal(s, e)) {
    const word = boolWord(s, e);
    if (word == 2) return NUMBER_FORM;
    foundInt = word as i64;
    return NUMBER_OK;
  }
  let mantissa = decimalMantissa;
  let exponent = decimalExponent;
  if (mantissa == 0) {
    foundInt = 0;
    return NUMBER_OK;
  }
  if (decimalTruncated) {
    // 20 digits or more and not all of the rest zeros: whole only if the exponent lifts all of them, and then too large
    return exponentLiftsAll(s, e) ? NUMBER_RANGE : NUMBER_FORM;
  }
  while (exponent < 0) {
    if (mantissa % 10 != 0) return NUMBER_FORM;
    mantissa /= 10;
    exponent++;
  }
  while (exponent > 0) {
    if (mantissa > 922337203685477580) return NUMBER_RANGE;
    mantissa *= 10;
    exponent--;
  }
  if (decimalNegative) {
    if (mantissa > 0x8000000000000000) return NUMBER_RANGE;
    foundInt = (0 - mantissa) as i64;
  } else {
    if (mantissa > 0x7fffffffffffffff) return NUMBER_RANGE;
    foundInt = mantissa as i64;
  }
  return NUMBER_OK;
}

/** For a readable decimal with many digits: whether no digit other than 0 remains behind the decimal point. */
function exponentLiftsAll(s: usize, e: usize): bool {
  // the place of the last digit that is not 0, in powers of ten
  let place: i32 = 0;
  let seen: i32 = 0;
  let dot = false;
  let lastNonZero: i32 = 0;
  let decimals: i32 = 0;
  let p = s;
  for (; p < e; p++) {
    const b = load<u8>(p) as u32;
    if (b - 48 < 10) {
      seen++;
      if (dot) decimals++;
      if (b != 48) lastNonZero = seen;
    } else if (b == 46) dot = true;
    else if ((b | 32) == 101) break;
  }
  place = seen - lastNonZero - decimals;
  if (p < e) {
    let negative = false;
    let x: i32 = 0;
    for (p++; p < e; p++) {
      const b = load<u8>(p) as u32;
      if (b == 45) negative = true;
      else if (b != 43 && x < 100000000) x = x * 10 + (b - 48);
    }
    place += negative ? -x : x;
  }
  return place >= 0;
}

/**
 * Reads a decimal number, nan, inf or infinity out of trimmed text and puts the correctly rounded double into foundFloat.
 * Returns NUMBER_FORM where the text is none.
 */
export function readFloat(s: usize, e: usize): u32 {
  if (!readDecimal(s, e)) return readNonFinite(s, e);
  const mantissa = decimalMantissa;
  const exponent = decimalExponent;
  let value: f64;
  if (mantissa == 0) {
    value = 0;
  } else if (!decimalTruncated && mantissa <= 0x20000000000000 && exponent >= -22 && exponent <= 22) {
    // Clinger: both are exact doubles, so one operation rounds correctly
    value = mantissa as f64;
    if (exponent < 0) value /= load<f64>(POWERS_OF_TEN + ((-exponent as usize) << 3));
    else value *= load<f64>(POWERS_OF_TEN + ((exponent as usize) << 3));
  } else {
    if (!eiselLemire(mantissa, exponent)) return fromHost(s, e);
    value = foundFloat;
    if (decimalTruncated) {
      if (!eiselLemire(mantissa + 1, exponent) || foundFloat != value) return fromHost(s, e);
    }
  }
  foundFloat = decimalNegative ? -value : value;
  return NUMBER_OK;
}

/** readFloat into memory, as a double: what the tests look at. */
export function csvReadDouble(s: usize, e: usize, out: usize): u32 {
  const status = readFloat(s, e);
  store<f64>(out, foundFloat);
  return status;
}

function fromHost(s: usize, e: usize): u32 {
  foundFloat = hostParseDouble(s, (e - s) as u32);
  return NUMBER_OK;
}

function readNonFinite(s: usize, e: usize): u32 {
  let p = s;
  let negative = false;
  if (p < e) {
    const b = load<u8>(p);
    if (b == 45 || b == 43) {
      negative = b == 45;
      p++;
    }
  }
  const n = (e - p) as u32;
  if (isWord(p, n, WORD_NAN, 3)) {
    foundFloat = NaN;
    return NUMBER_OK;
  }
  if (!isWord(p, n, WORD_INFINITY, 3) && !isWord(p, n, WORD_INFINITY, 8)) return NUMBER_FORM;
  foundFloat = negative ? -Infinity : Infinity;
  return NUMBER_OK;
}

export const CLASS_INT: u32 = 0; // written without dot and exponent, within int64
export const CLASS_BOOL: u32 = 1; // true, false
export const CLASS_FLOAT: u32 = 2; // with dot or exponent, or nan, inf
export const CLASS_BIG: u32 = 3; // written like an int, beyond int64
export const CLASS_TEXT: u32 = 4;

/** What trimmed text is; the value is in foundInt for INT and BOOL, in foundFloat for FLOAT and BIG. */
export function classifyNumber(s: usize, e: usize): u32 {
  if (!readDecimal(s, e)) {
    const word = boolWord(s, e);
    if (word == 2) return readNonFinite(s, e) == NUMBER_OK ? CLASS_FLOAT : CLASS_TEXT;
    foundInt = word as i64;
    return CLASS_BOOL;
  }
  const plain = decimalPlain;
  if (plain && readInt(s, e) == NUMBER_OK) return CLASS_INT;
  readFloat(s, e);
  return plain ? CLASS_BIG : CLASS_FLOAT;
}

// @ts-ignore: decorator
@inline
function mulHigh(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const low = al * bl;
  const mid = ah * bl + (low >> 32);
  const mid2 = al * bh + (mid & 0xffffffff);
  return ah * bh + (mid >> 32) + (mid2 >> 32);
}

/**
 * Eisel-Lemire (Lemire, "Number Parsing at a Gigabyte per Second", 2021; the form of Go's strconv): mantissa * 10^exponent
 * into foundFloat. False where it cannot decide.
 */
function eiselLemire(mantissa: u64, exponent: i32): bool {
  if (exponent < POWERS_MIN || exponent > POWERS_MAX) return false;
  const leading = clz(mantissa);
  const man = mantissa << leading;
  let exp2: u64 = (((217706 * exponent) >> 16) as i64) + 64 + 1023 - (leading as i64);
  const power = widePowers + (((exponent - POWERS_MIN) as usize) << 4);
  const powerHigh = load<u64>(power, 8);
  let high = mulHigh(man, powerHigh);
  let low = man * powerHigh;
  if ((high & 0x1ff) == 0x1ff && low + man < man) {
    const powerLow = load<u64>(power);
    const yHigh = mulHigh(man, powerLow);
    const yLow = man * powerLow;
    let mergedHigh = high;
    const mergedLow = low + yHigh;
    if (mergedLow < low) mergedHigh++;
    if ((mergedHigh & 0x1ff) == 0x1ff && mergedLow + 1 == 0 && yLow + man < man) return false;
    high = mergedHigh;
    low = mergedLow;
  }
  const msb = high >> 63;
  let bits = high >> (msb + 9);
  exp2 -= 1 ^ msb;
  if (low == 0 && (high & 0x1ff) == 0 && (bits & 3) == 1) return false; // half way
  bits += bits & 1;
  bits >>= 1;
  if (bits >> 53 > 0) {
    bits >>= 1;
    exp2 += 1;
  }
  if (exp2 - 1 >= 0x7ff - 1) return false; // subnormal, infinite
  foundFloat = reinterpret<f64>((exp2 << 52) | (bits & 0xfffffffffffff));
  return true;
}

// Numbers out of text, exact: integers over the whole int64 range, floats as the correctly rounded double. Most are read
// by csv-plain-number.ts; these scalar functions read any.
import {
  decimalExponent,
  decimalMantissa,
  decimalNegative,
  decimalPlain,
  decimalTruncated,
  exponentLiftsAll,
  readDecimal,
} from './csv-decimal';
import { POWERS_OF_TEN, plainNumberInit } from './csv-plain-number';
import { eiselLemire, eiselLemireInit } from './eisel-lemire';

/** The slow, exact path for what neither Clinger nor Eisel-Lemire decides: TypeScript's Number() on plain ASCII. */
// @ts-ignore: decorator
@external('env', 'hostParseDouble')
declare function hostParseDouble(address: usize, length: u32): f64;

export const NUMBER_OK: u32 = 0;
export const NUMBER_FORM: u32 = 1;
export const NUMBER_RANGE: u32 = 2;

/** What a scalar function found; read it right after the call. */
export let foundInt: i64 = 0;
export let foundFloat: f64 = 0;

/** `powers`: the table of eisel-lemire.ts. */
export function csvNumberInit(powers: usize): void {
  eiselLemireInit(powers);
  plainNumberInit();
}

/** Whether [p, p + n) is the lower-case word at w, in any case. */
function isWord(p: usize, n: u32, w: usize, wordLength: u32): bool {
  if (n != wordLength) return false;
  for (let i: u32 = 0; i < n; i++) {
    const b = load<u8>(p + i) as u32;
    if (b >= 128 || (b | 32) != (load<u8>(w + i) as u32)) return false;
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
    value = eiselLemire(mantissa, exponent);
    // of more digits than the mantissa holds: both ends of what it may be have to round alike; NaN equals nothing
    const other = decimalTruncated ? eiselLemire(mantissa + 1, exponent) : value;
    if (value != other) {
      foundFloat = hostParseDouble(s, (e - s) as u32);
      return NUMBER_OK;
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

/** What trimmed text is; the value of an INT or BOOL is in foundInt. */
export function classifyNumber(s: usize, e: usize): u32 {
  if (!readDecimal(s, e)) {
    const word = boolWord(s, e);
    if (word == 2) return readNonFinite(s, e) == NUMBER_OK ? CLASS_FLOAT : CLASS_TEXT;
    foundInt = word as i64;
    return CLASS_BOOL;
  }
  if (!decimalPlain) return CLASS_FLOAT;
  return readInt(s, e) == NUMBER_OK ? CLASS_INT : CLASS_BIG;
}

// The parts of a decimal number.

// What readDecimal found: sign, up to 19 significant digits, the exponent of the last of them, and how it was written
export let decimalNegative: bool = false;
export let decimalMantissa: u64 = 0;
export let decimalExponent: i32 = 0;
export let decimalTruncated: bool = false; // more significant digits than 19, some of them not zero
export let decimalPlain: bool = false; // written with neither dot nor exponent

/** Reads [+-] digits [. digits] [e [+-] digits] out of [s, e), nothing else around it. */
export function readDecimal(s: usize, e: usize): bool {
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

/** For a readable decimal with many digits: whether no digit other than 0 remains behind the decimal point. */
export function exponentLiftsAll(s: usize, e: usize): bool {
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

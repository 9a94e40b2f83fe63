// The double nearest to a decimal number, for nearly all of them: Eisel-Lemire (Lemire, "Number Parsing at a Gigabyte per
// Second", 2021), in the form of Go's strconv.

// Powers 10^-348 .. 10^347 as 128 bit mantissas (low word, high word), rounded down, highest bit set; made by TypeScript
const POWERS_MIN: i32 = -348;
const POWERS_MAX: i32 = 347;
let widePowers: usize = 0;

export function eiselLemireInit(powers: usize): void {
  widePowers = powers;
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

/** mantissa * 10^exponent, rounded to the nearest double; NaN where this cannot decide. The mantissa is not 0. */
export function eiselLemire(mantissa: u64, exponent: i32): f64 {
  if (exponent < POWERS_MIN || exponent > POWERS_MAX) return NaN;
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
    if ((mergedHigh & 0x1ff) == 0x1ff && mergedLow + 1 == 0 && yLow + man < man) return NaN;
    high = mergedHigh;
    low = mergedLow;
  }
  const msb = high >> 63;
  let bits = high >> (msb + 9);
  exp2 -= 1 ^ msb;
  if (low == 0 && (high & 0x1ff) == 0 && (bits & 3) == 1) return NaN; // half way
  bits += bits & 1;
  bits >>= 1;
  if (bits >> 53 > 0) {
    bits >>= 1;
    exp2 += 1;
  }
  if (exp2 - 1 >= 0x7ff - 1) return NaN; // subnormal, infinite
  return reinterpret<f64>((exp2 << 52) | (bits & 0xfffffffffffff));
}

// Whether text is a number, without reading its value.
import { C_ASCII_0, C_DOT, C_NINE, keepLast } from './csv-plain-number';

/**
 * Whether [s, e) is 1 to 16 characters, digits and, where `dotted` is 1, at most one dot, with an optional minus sign before
 * them: what plainInt and plainFloat read. Reads 16 bytes before e.
 */
// @ts-ignore: decorator
@inline
export function plainForm(s: usize, e: usize, dotted: u32): bool {
  const length = ((e - s) as u32) - ((load<u8>(s) == 45) as u32);
  if (length - 1 > 15) return false;
  const text = v128.and(i8x16.sub(v128.load(e - 16), v128.load(C_ASCII_0)), keepLast(length));
  return isDecimal(othersIn(text), dotsIn(text) & -dotted, length);
}

/** The same for 17 to 32 characters and a dot. Reads 32 bytes before e. */
export function longForm(s: usize, e: usize): bool {
  const length = ((e - s) as u32) - ((load<u8>(s) == 45) as u32);
  if (length - 17 > 15) return false;
  const low = i8x16.sub(v128.load(e - 16), v128.load(C_ASCII_0));
  const high = v128.and(i8x16.sub(v128.load(e - 32), v128.load(C_ASCII_0)), keepLast(length - 16));
  return isDecimal(othersIn(low) | (othersIn(high) << 16), dotsIn(low) | (dotsIn(high) << 16), length);
}

/** Bit n: byte n is no digit. */
// @ts-ignore: decorator
@inline
function othersIn(text: v128): u32 {
  return i8x16.bitmask(i8x16.gt_u(text, v128.load(C_NINE))) as u32;
}

// @ts-ignore: decorator
@inline
function dotsIn(text: v128): u32 {
  return i8x16.bitmask(i8x16.eq(text, v128.load(C_DOT))) as u32;
}

/** No other than digits but one dot, which does not stand alone. */
// @ts-ignore: decorator
@inline
function isDecimal(others: u32, dots: u32, length: u32): bool {
  return (((others ^ dots) | (dots & (dots - 1))) == 0) & (length > ((dots != 0) as u32));
}

// Four 32 bit values at a time, and what is left of them at the end.

/** How many of the next four values there are. */
@inline
export function lanes(rest: usize): usize {
  return rest < 4 ? rest : 4;
}

@inline
export function read(at: usize, n: usize): v128 {
  return n == 4 ? v128.load(at) : readPart(at, n);
}

@inline
export function write(at: usize, n: usize, value: v128): void {
  if (n == 4) v128.store(at, value);
  else writePart(at, n, value);
}

/** Up to three values; zeros behind them. */
function readPart(at: usize, n: usize): v128 {
  let value = v128.load32_zero(at);
  if (n > 1) value = i32x4.replace_lane(value, 1, load<i32>(at, 4));
  if (n > 2) value = i32x4.replace_lane(value, 2, load<i32>(at, 8));
  return value;
}

function writePart(at: usize, n: usize, value: v128): void {
  store<i32>(at, i32x4.extract_lane(value, 0));
  if (n > 1) store<i32>(at, i32x4.extract_lane(value, 1), 4);
  if (n > 2) store<i32>(at, i32x4.extract_lane(value, 2), 8);
}

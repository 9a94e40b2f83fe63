// What a collective does to numbers: dst[i] = dst[i] (op) src[i], and the division behind a mean. Addresses are aligned to the type.
// Sums of int32 wrap around; max and min of floats are NaN where either is, and hold -0 for less than 0 (WASM's own semantics).

const SUM = 0;
const MAX = 1;
const MIN = 2;

// @ts-ignore: decorator
@inline
function lanes<T>(op: i32, a: v128, b: v128): v128 {
  if (op == SUM) return v128.add<T>(a, b);
  return op == MAX ? v128.max<T>(a, b) : v128.min<T>(a, b);
}

// @ts-ignore: decorator
@inline
function one<T>(op: i32, a: T, b: T): T {
  if (op == SUM) return (a + b) as T;
  return op == MAX ? max<T>(a, b) : min<T>(a, b);
}

// @ts-ignore: decorator
@inline
function reduce<T>(op: i32, dst: usize, src: usize, count: usize): void {
  const end = dst + count * sizeof<T>();
  const whole = dst + ((count * sizeof<T>()) & ~63);
  while (dst < whole) {
    v128.store(dst, lanes<T>(op, v128.load(dst), v128.load(src)));
    v128.store(dst, lanes<T>(op, v128.load(dst, 16), v128.load(src, 16)), 16);
    v128.store(dst, lanes<T>(op, v128.load(dst, 32), v128.load(src, 32)), 32);
    v128.store(dst, lanes<T>(op, v128.load(dst, 48), v128.load(src, 48)), 48);
    dst += 64;
    src += 64;
  }
  while (dst < end) {
    store<T>(dst, one<T>(op, load<T>(dst), load<T>(src)));
    dst += sizeof<T>();
    src += sizeof<T>();
  }
}

export function sumF32(dst: usize, src: usize, count: usize): void {
  reduce<f32>(SUM, dst, src, count);
}

export function maxF32(dst: usize, src: usize, count: usize): void {
  reduce<f32>(MAX, dst, src, count);
}

export function minF32(dst: usize, src: usize, count: usize): void {
  reduce<f32>(MIN, dst, src, count);
}

export function sumF64(dst: usize, src: usize, count: usize): void {
  reduce<f64>(SUM, dst, src, count);
}

export function maxF64(dst: usize, src: usize, count: usize): void {
  reduce<f64>(MAX, dst, src, count);
}

export function minF64(dst: usize, src: usize, count: usize): void {
  reduce<f64>(MIN, dst, src, count);
}

export function sumI32(dst: usize, src: usize, count: usize): void {
  reduce<i32>(SUM, dst, src, count);
}

export function maxI32(dst: usize, src: usize, count: usize): void {
  reduce<i32>(MAX, dst, src, count);
}

export function minI32(dst: usize, src: usize, count: usize): void {
  reduce<i32>(MIN, dst, src, count);
}

/** dst[i] /= divisor. */
export function divideF32(dst: usize, divisor: f64, count: usize): void {
  const by = divisor as f32;
  for (const end = dst + (count << 2); dst < end; dst += 4) store<f32>(dst, load<f32>(dst) / by);
}

export function divideF64(dst: usize, divisor: f64, count: usize): void {
  for (const end = dst + (count << 3); dst < end; dst += 8) store<f64>(dst, load<f64>(dst) / divisor);
}

/** Towards zero. */
export function divideI32(dst: usize, divisor: f64, count: usize): void {
  const by = divisor as i32;
  for (const end = dst + (count << 2); dst < end; dst += 4) store<i32>(dst, load<i32>(dst) / by);
}

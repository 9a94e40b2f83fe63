// How many boundaries are at or below each value: a search in steps that do not branch. Its twin is counting them, in
// test/dataset/features/bucketize.test.ts.

// @ts-ignore: decorator
@inline
function bucketizeAs<T extends number>(values: usize, count: u32, limits: usize, top: u32, most: u32, out: usize): void {
  for (const end = out + ((count as usize) << 3); out < end; out += 8, values += sizeof<T>()) {
    const value = load<T>(values);
    let at = limits - sizeof<T>();
    for (let step = (top as usize) * sizeof<T>(); step >= sizeof<T>(); step >>= 1) {
      at = select<usize>(at, at + step, value < load<T>(at + step));
    }
    store<f64>(out, min<u32>(((at + sizeof<T>() - limits) / sizeof<T>()) as u32, most) as f64);
  }
}

/**
 * One f64 for each f32: how many of `limits` are not above it, at most `most`. There are 2 * `top` - 1 limits in ascending order,
 * infinities behind the first `most`; `top` is a power of two.
 */
export function bucketizeF32(values: usize, count: u32, limits: usize, top: u32, most: u32, out: usize): void {
  bucketizeAs<f32>(values, count, limits, top, most, out);
}

/** The same for f64. */
export function bucketizeF64(values: usize, count: u32, limits: usize, top: u32, most: u32, out: usize): void {
  bucketizeAs<f64>(values, count, limits, top, most, out);
}

// Batch normalisation (Ioffe and Szegedy 2015), over columns of row-major float32 matrices. Strides are multiples of 8; what lies behind
// the width is worked on as well, and of no account. Sums are float64: variances come of sums of squares.

/** Adds up each column and its squares: sums[c], sums[stride + c], float64. */
export function columnMoments(x: usize, stride: i32, rows: i32, width: i32, sums: usize): void {
  const bytes = <usize>stride << 2;
  const end = x + <usize>rows * bytes;
  const squares = sums + (<usize>stride << 3);
  for (let c = 0; c < width; c += 4) {
    const at = <usize>c << 2;
    let s0 = f64x2.splat(0), s1 = f64x2.splat(0), q0 = f64x2.splat(0), q1 = f64x2.splat(0);
    for (let p = x; p < end; p += bytes) {
      const v = v128.load(p + at);
      const low = f64x2.promote_low_f32x4(v);
      const high = f64x2.promote_low_f32x4(v128.shuffle<u64>(v, v, 1, 1));
      s0 = f64x2.add(s0, low);
      s1 = f64x2.add(s1, high);
      q0 = f64x2.add(q0, f64x2.mul(low, low));
      q1 = f64x2.add(q1, f64x2.mul(high, high));
    }
    v128.store(sums + 2 * at, s0);
    v128.store(sums + 2 * at, s1, 16);
    v128.store(squares + 2 * at, q0);
    v128.store(squares + 2 * at, q1, 16);
  }
}

/** y = (x - mean) scale + shift. */
export function normalizeColumns(
  x: usize, y: usize, stride: i32, rows: i32, width: i32, mean: usize, scale: usize, shift: usize,
): void {
  const bytes = <usize>stride << 2;
  for (let c = 0; c < width; c += 4) {
    const at = <usize>c << 2;
    const m = v128.load(mean + at);
    const s = v128.load(scale + at);
    const b = v128.load(shift + at);
    let to = y + at;
    const end = x + at + <usize>rows * bytes;
    for (let p = x + at; p < end; p += bytes) {
      v128.store(to, f32x4.add(f32x4.mul(f32x4.sub(v128.load(p), m), s), b));
      to += bytes;
    }
  }
}

/** What the gradients are made of: sums[c] = sum of dy, sums[stride + c] = sum of dy (x - mean) inverse, float64. */
export function columnGradients(
  x: usize, dy: usize, stride: i32, rows: i32, width: i32, mean: usize, inverse: usize, sums: usize,
): void {
  const bytes = <usize>stride << 2;
  const products = sums + (<usize>stride << 3);
  for (let c = 0; c < width; c += 4) {
    const at = <usize>c << 2;
    const m = v128.load(mean + at);
    const inv = v128.load(inverse + at);
    let s0 = f64x2.splat(0), s1 = f64x2.splat(0), q0 = f64x2.splat(0), q1 = f64x2.splat(0);
    let g = dy + at;
    const end = x + at + <usize>rows * bytes;
    for (let p = x + at; p < end; p += bytes) {
      const d = v128.load(g);
      const product = f32x4.mul(d, f32x4.mul(f32x4.sub(v128.load(p), m), inv));
      s0 = f64x2.add(s0, f64x2.promote_low_f32x4(d));
      s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.shuffle<u64>(d, d, 1, 1)));
      q0 = f64x2.add(q0, f64x2.promote_low_f32x4(product));
      q1 = f64x2.add(q1, f64x2.promote_low_f32x4(v128.shuffle<u64>(product, product, 1, 1)));
      g += bytes;
    }
    v128.store(sums + 2 * at, s0);
    v128.store(sums + 2 * at, s1, 16);
    v128.store(products + 2 * at, q0);
    v128.store(products + 2 * at, q1, 16);
  }
}

/** dy = (dy - meanGradient - (x - mean) inverse meanProduct) scale, in place. */
export function normalizeGradients(
  x: usize, dy: usize, stride: i32, rows: i32, width: i32, mean: usize, inverse: usize, scale: usize,
  meanGradient: usize, meanProduct: usize,
): void {
  const bytes = <usize>stride << 2;
  for (let c = 0; c < width; c += 4) {
    const at = <usize>c << 2;
    const m = v128.load(mean + at);
    const inv = v128.load(inverse + at);
    const s = v128.load(scale + at);
    const mg = v128.load(meanGradient + at);
    const mp = v128.load(meanProduct + at);
    let p = x + at;
    const end = dy + at + <usize>rows * bytes;
    for (let g = dy + at; g < end; g += bytes) {
      const normal = f32x4.mul(f32x4.sub(v128.load(p), m), inv);
      v128.store(g, f32x4.mul(f32x4.sub(f32x4.sub(v128.load(g), mg), f32x4.mul(normal, mp)), s));
      p += bytes;
    }
  }
}

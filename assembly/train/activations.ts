// Activations in place on `count` float32 (a multiple of 4), and their derivatives from what they gave: dy becomes dx.
import { exp4 } from './exp';

export function relu(y: usize, count: i32): void {
  const zero = f32x4.splat(0);
  // pmax keeps a NaN that is its first argument.
  for (const end = y + (<usize>count << 2); y < end; y += 16) v128.store(y, f32x4.pmax(v128.load(y), zero));
}

export function reluGradient(y: usize, dy: usize, count: i32): void {
  const zero = f32x4.splat(0);
  for (const end = y + (<usize>count << 2); y < end; y += 16) {
    v128.store(dy, v128.and(v128.load(dy), f32x4.gt(v128.load(y), zero)));
    dy += 16;
  }
}

export function sigmoid(y: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (const end = y + (<usize>count << 2); y < end; y += 16) {
    v128.store(y, f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(v128.load(y))))));
  }
}

export function sigmoidGradient(y: usize, dy: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (const end = y + (<usize>count << 2); y < end; y += 16) {
    const v = v128.load(y);
    v128.store(dy, f32x4.mul(v128.load(dy), f32x4.mul(v, f32x4.sub(one, v))));
    dy += 16;
  }
}

/** By a polynomial up to 0.625 (Cephes' tanhf), else 1 - 2 / (e^2|x| + 1). */
export function tanh(y: usize, count: i32): void {
  const one = f32x4.splat(1);
  const sign = i32x4.splat(<i32>0x80000000);
  for (const end = y + (<usize>count << 2); y < end; y += 16) {
    const x = v128.load(y);
    const size = f32x4.abs(x);
    const large = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(exp4(f32x4.add(size, size)), one)));
    const z = f32x4.mul(x, x);
    let p = f32x4.splat(-5.70498872745e-3);
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.06390887954e-2));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-5.37397155531e-2));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-3.33332819422e-1));
    const small = f32x4.add(x, f32x4.mul(x, f32x4.mul(z, p)));
    const signed = v128.or(large, v128.and(x, sign));
    v128.store(y, v128.bitselect(small, signed, f32x4.lt(size, f32x4.splat(0.625))));
  }
}

export function tanhGradient(y: usize, dy: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (const end = y + (<usize>count << 2); y < end; y += 16) {
    const v = v128.load(y);
    v128.store(dy, f32x4.mul(v128.load(dy), f32x4.sub(one, f32x4.mul(v, v))));
    dy += 16;
  }
}

/** Each row of `width` numbers becomes e^x / sum of e^x. */
export function softmax(y: usize, stride: i32, rows: i32, width: i32): void {
  for (let row = 0; row < rows; row++) {
    const at = y + (<usize>(row * stride) << 2);
    const end = at + (<usize>width << 2);
    let most = load<f32>(at);
    for (let p = at; p < end; p += 4) most = max(most, load<f32>(p));
    let sum: f64 = 0;
    for (let p = at; p < end; p += 4) {
      const e = Math.exp(<f64>load<f32>(p) - <f64>most);
      sum += e;
      store<f32>(p, <f32>e);
    }
    for (let p = at; p < end; p += 4) store<f32>(p, <f32>(<f64>load<f32>(p) / sum));
  }
}

export function softmaxGradient(y: usize, dy: usize, stride: i32, rows: i32, width: i32): void {
  for (let row = 0; row < rows; row++) {
    const at = <usize>(row * stride) << 2;
    const end = at + (<usize>width << 2);
    let sum: f64 = 0;
    for (let p = at; p < end; p += 4) sum += <f64>load<f32>(y + p) * <f64>load<f32>(dy + p);
    for (let p = at; p < end; p += 4) {
      store<f32>(dy + p, <f32>(<f64>load<f32>(y + p) * (<f64>load<f32>(dy + p) - sum)));
    }
  }
}

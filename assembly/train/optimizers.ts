// Optimizers on flat float32 buffers, as Keras 3 computes them: operation by operation in float32, so that the bits follow from the inputs
// alone. Addresses are 4-aligned; `count` is the number of values; an address of 0 is a slot that there is not.

import { lanes, read, write } from './lanes';

/** weights -= rate * gradients */
export function applySgd(weights: usize, gradients: usize, count: usize, rate: f32): void {
  for (let i: usize = 0; i < count; i += 4) {
    const at = i << 2;
    const n = lanes(count - i);
    write(weights + at, n, f32x4.sub(read(weights + at, n), f32x4.mul(f32x4.splat(rate), read(gradients + at, n))));
  }
}

/** velocity = momentum * velocity - rate * gradients; weights += velocity, or where it is Nesterov's, what the next velocity would be. */
export function applyMomentum(
  weights: usize,
  gradients: usize,
  velocities: usize,
  count: usize,
  rate: f32,
  momentum: f32,
  nesterov: i32,
): void {
  for (let i: usize = 0; i < count; i += 4) {
    const at = i << 2;
    const n = lanes(count - i);
    const step = f32x4.mul(read(gradients + at, n), f32x4.splat(rate));
    const keep = f32x4.splat(momentum);
    const velocity = f32x4.sub(f32x4.mul(read(velocities + at, n), keep), step);
    write(velocities + at, n, velocity);
    const change = nesterov ? f32x4.sub(f32x4.mul(velocity, keep), step) : velocity;
    write(weights + at, n, f32x4.add(read(weights + at, n), change));
  }
}

/** accumulator += gradients^2; weights -= rate * gradients / sqrt(accumulator + epsilon) */
export function applyAdagrad(
  weights: usize,
  gradients: usize,
  accumulators: usize,
  count: usize,
  rate: f32,
  epsilon: f32,
): void {
  for (let i: usize = 0; i < count; i += 4) {
    const at = i << 2;
    const n = lanes(count - i);
    const gradient = read(gradients + at, n);
    const accumulator = f32x4.add(read(accumulators + at, n), f32x4.mul(gradient, gradient));
    write(accumulators + at, n, accumulator);
    const root = f32x4.sqrt(f32x4.add(accumulator, f32x4.splat(epsilon)));
    const change = f32x4.div(f32x4.mul(f32x4.splat(rate), gradient), root);
    write(weights + at, n, f32x4.sub(read(weights + at, n), change));
  }
}

/** `rest` is 1 - rho. With `means`, the variance instead of the mean square; with `momenta`, the step is momentum's. */
export function applyRmsProp(
  weights: usize,
  gradients: usize,
  squares: usize,
  means: usize,
  momenta: usize,
  count: usize,
  rate: f32,
  rho: f32,
  rest: f32,
  momentum: f32,
  epsilon: f32,
): void {
  const keep = f32x4.splat(rho);
  const take = f32x4.splat(rest);
  for (let i: usize = 0; i < count; i += 4) {
    const at = i << 2;
    const n = lanes(count - i);
    const gradient = read(gradients + at, n);
    const square = f32x4.add(
      f32x4.mul(keep, read(squares + at, n)),
      f32x4.mul(take, f32x4.mul(gradient, gradient)),
    );
    write(squares + at, n, square);
    let spread = square;
    if (means != 0) {
      const mean = f32x4.add(f32x4.mul(keep, read(means + at, n)), f32x4.mul(take, gradient));
      write(means + at, n, mean);
      spread = f32x4.sub(square, f32x4.mul(mean, mean));
    }
    const root = f32x4.sqrt(f32x4.add(spread, f32x4.splat(epsilon)));
    let change = f32x4.div(f32x4.mul(f32x4.splat(rate), gradient), root);
    if (momenta != 0) {
      change = f32x4.add(f32x4.mul(f32x4.splat(momentum), read(momenta + at, n)), change);
      write(momenta + at, n, change);
    }
    write(weights + at, n, f32x4.sub(read(weights + at, n), change));
  }
}

/**
 * `rate` with the correction of the bias already in it; `rest1`, `rest2` are 1 - beta1, 1 - beta2. Before that, weights lose
 * weights * decay * `decayRate` (AdamW: the rate without correction). `maxima`: AMSGrad.
 */
export function applyAdam(
  weights: usize,
  gradients: usize,
  means: usize,
  squares: usize,
  maxima: usize,
  count: usize,
  rate: f32,
  rest1: f32,
  rest2: f32,
  epsilon: f32,
  decay: f32,
  decayRate: f32,
): void {
  for (let i: usize = 0; i < count; i += 4) {
    const at = i << 2;
    const n = lanes(count - i);
    const gradient = read(gradients + at, n);
    const oldMean = read(means + at, n);
    const mean = f32x4.add(oldMean, f32x4.mul(f32x4.sub(gradient, oldMean), f32x4.splat(rest1)));
    write(means + at, n, mean);
    const oldSquare = read(squares + at, n);
    const growth = f32x4.mul(f32x4.sub(f32x4.mul(gradient, gradient), oldSquare), f32x4.splat(rest2));
    let square = f32x4.add(oldSquare, growth);
    write(squares + at, n, square);
    if (maxima != 0) {
      square = f32x4.max(read(maxima + at, n), square);
      write(maxima + at, n, square);
    }
    let weight = read(weights + at, n);
    if (decay != 0) {
      weight = f32x4.sub(weight, f32x4.mul(f32x4.mul(weight, f32x4.splat(decay)), f32x4.splat(decayRate)));
    }
    const root = f32x4.add(f32x4.sqrt(square), f32x4.splat(epsilon));
    write(weights + at, n, f32x4.sub(weight, f32x4.div(f32x4.mul(mean, f32x4.splat(rate)), root)));
  }
}

/**
 * McMahan et al., "Ad Click Prediction: a View from the Trenches" (KDD 2013), as TensorFlow's ApplyFtrlV2. `power` is minus the learning
 * rate's power (0.5: a square root); `shrinkage2` and `l2` are twice the strengths.
 */
export function applyFtrl(
  weights: usize,
  gradients: usize,
  accumulators: usize,
  linears: usize,
  count: usize,
  rate: f32,
  power: f32,
  l1: f32,
  l2: f32,
  shrinkage2: f32,
): void {
  const rates = f32x4.splat(rate);
  for (let i: usize = 0; i < count; i += 4) {
    const at = i << 2;
    const n = lanes(count - i);
    const gradient = read(gradients + at, n);
    const weight = read(weights + at, n);
    const old = read(accumulators + at, n);
    const accumulator = f32x4.add(old, f32x4.mul(gradient, gradient));
    write(accumulators + at, n, accumulator);
    const raised = raise(accumulator, power);
    const shrunk = f32x4.add(gradient, f32x4.mul(f32x4.splat(shrinkage2), weight));
    const sigma = f32x4.div(f32x4.sub(raised, raise(old, power)), rates);
    const linear = f32x4.add(read(linears + at, n), f32x4.sub(shrunk, f32x4.mul(sigma, weight)));
    write(linears + at, n, linear);
    const clipped = f32x4.max(f32x4.splat(-l1), f32x4.min(f32x4.splat(l1), linear));
    const quadratic = f32x4.add(f32x4.div(raised, rates), f32x4.splat(l2));
    const numerator = f32x4.sub(clipped, linear);
    // Not 0 / 0, where the accumulator began as 0 and no gradient has come yet.
    const nothing = f32x4.eq(numerator, f32x4.splat(0));
    write(weights + at, n, v128.andnot(f32x4.div(numerator, quadratic), nothing));
  }
}

/** The sum of squares, in float64, which float32 values cannot overflow: it is finite where all values are. */
export function sumSquaresF32(values: usize, count: usize): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let i: usize = 0; i < count; i += 4) {
    const value = read(values + (i << 2), lanes(count - i));
    const first = f64x2.promote_low_f32x4(value);
    const second = f64x2.promote_low_f32x4(v128.shuffle<i64>(value, value, 1, 0));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** values *= factor */
export function scaleF32(values: usize, count: usize, factor: f32): void {
  for (let i: usize = 0; i < count; i += 4) {
    const at = values + (i << 2);
    const n = lanes(count - i);
    write(at, n, f32x4.mul(read(at, n), f32x4.splat(factor)));
  }
}

/** Values beyond -limit and limit become these. */
export function clampF32(values: usize, count: usize, limit: f32): void {
  for (let i: usize = 0; i < count; i += 4) {
    const at = values + (i << 2);
    const n = lanes(count - i);
    write(at, n, f32x4.max(f32x4.splat(-limit), f32x4.min(f32x4.splat(limit), read(at, n))));
  }
}

@inline
function raise(base: v128, power: f32): v128 {
  return power == 0.5 ? f32x4.sqrt(base) : raiseEach(base, power);
}

function raiseEach(base: v128, power: f32): v128 {
  const a = NativeMathf.pow(f32x4.extract_lane(base, 0), power);
  const b = NativeMathf.pow(f32x4.extract_lane(base, 1), power);
  const c = NativeMathf.pow(f32x4.extract_lane(base, 2), power);
  const d = NativeMathf.pow(f32x4.extract_lane(base, 3), power);
  return f32x4(a, b, c, d);
}

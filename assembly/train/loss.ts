// Losses: the sum over rows of weight x loss (the mean over the row's outputs, as Keras has it), and its gradient. Outputs z are `stride` numbers a row, labels
// `width` (classes: 1) a row, weights 1 a row. Rows are few and narrow beside the layers' work: plain float64.

/** Binary cross-entropy of logits; dz is the gradient of the logits, z becomes what the sigmoid gives. */
export function binaryCrossentropy(
  z: usize, dz: usize, stride: i32, labels: usize, weights: usize, rows: i32, width: i32,
): f64 {
  let total: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const weight = <f64>load<f32>(weights + (<usize>row << 2)) / <f64>width;
    let sum: f64 = 0;
    for (let i = 0; i < width; i++) {
      const at = <usize>(row * stride + i) << 2;
      const logit = <f64>load<f32>(z + at);
      const label = <f64>load<f32>(labels + (<usize>(row * width + i) << 2));
      const e = Math.exp(-abs(logit));
      const p = (logit >= 0 ? 1 : e) / (1 + e);
      sum += max(logit, 0) - logit * label + Math.log1p(e);
      store<f32>(z + at, <f32>p);
      store<f32>(dz + at, <f32>(weight * (p - label)));
    }
    total += weight * sum;
  }
  return total;
}

/** Cross-entropy of logits and a distribution, or (sparse) a class a row; z becomes what the softmax gives. */
export function categoricalCrossentropy(
  z: usize, dz: usize, stride: i32, labels: usize, weights: usize, rows: i32, width: i32, sparse: i32,
): f64 {
  let total: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const weight = <f64>load<f32>(weights + (<usize>row << 2));
    const at = z + (<usize>(row * stride) << 2);
    const to = dz + (<usize>(row * stride) << 2);
    const label = labels + (<usize>(sparse ? row : row * width) << 2);
    let most = <f64>load<f32>(at);
    for (let i = 1; i < width; i++) most = max(most, <f64>load<f32>(at + (<usize>i << 2)));
    let exps: f64 = 0;
    for (let i = 0; i < width; i++) exps += Math.exp(<f64>load<f32>(at + (<usize>i << 2)) - most);
    const logSum = most + Math.log(exps);
    let share: f64 = 1;
    if (!sparse) {
      share = 0;
      for (let i = 0; i < width; i++) share += <f64>load<f32>(label + (<usize>i << 2));
    }
    let sum: f64 = 0;
    for (let i = 0; i < width; i++) {
      const logit = <f64>load<f32>(at + (<usize>i << 2));
      const y: f64 = sparse ? (<i32>load<f32>(label) == i ? 1 : 0) : <f64>load<f32>(label + (<usize>i << 2));
      const p = Math.exp(logit - logSum);
      if (y != 0) sum += y * (logSum - logit);
      store<f32>(at + (<usize>i << 2), <f32>p);
      store<f32>(to + (<usize>i << 2), <f32>(weight * (p * share - y)));
    }
    total += weight * sum;
  }
  return total;
}

/** The mean of squares (`absolute` 0) or of sizes (1) of z - label. */
export function meanError(
  z: usize, dz: usize, stride: i32, labels: usize, weights: usize, rows: i32, width: i32, absolute: i32,
): f64 {
  let total: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const weight = <f64>load<f32>(weights + (<usize>row << 2)) / <f64>width;
    let sum: f64 = 0;
    for (let i = 0; i < width; i++) {
      const at = <usize>(row * stride + i) << 2;
      const error = <f64>load<f32>(z + at) - <f64>load<f32>(labels + (<usize>(row * width + i) << 2));
      sum += absolute ? abs(error) : error * error;
      const slope: f64 = absolute ? (error > 0 ? 1 : error < 0 ? -1 : 0) : 2 * error;
      store<f32>(dz + at, <f32>(weight * slope));
    }
    total += weight * sum;
  }
  return total;
}

/** Adds l1 sign(w) + 2 l2 w to gradients; the sum of l1 |w| + l2 w^2. */
export function regularize(weights: usize, gradients: usize, count: i32, l1: f32, l2: f32): f64 {
  let total: f64 = 0;
  for (let i: usize = 0; i < <usize>count << 2; i += 4) {
    const w = load<f32>(weights + i);
    const sign: f32 = w > 0 ? 1 : w < 0 ? -1 : 0;
    store<f32>(gradients + i, load<f32>(gradients + i) + l1 * sign + 2 * l2 * w);
    total += <f64>l1 * <f64>abs(w) + <f64>l2 * <f64>w * <f64>w;
  }
  return total;
}

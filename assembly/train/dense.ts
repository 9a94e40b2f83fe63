// Dense layers, float32. Matrices of activations are row-major, `stride` numbers a row (a multiple of 8, of which those behind the width
// are of no account), and have room for a multiple of 4 rows. Tiles of 4 x 8 numbers stay in registers (Goto and van de Geijn 2008).

/** Rows whose part of two matrices stays in the first cache while all tiles of their product go over them. */
const ROWS_OF_BLOCK: i32 = 32;

/**
 * Weights in panels of 8 units, each `inputs` x 8 and zero behind the last unit, so that a panel is read straight on.
 * @param weights inputs x units
 * @param panels ceil(units / 8) x inputs x 8
 */
export function packPanels(weights: usize, inputs: i32, units: i32, panels: usize): void {
  for (let j = 0; j < units; j += 8) {
    const left = min(units - j, 8);
    for (let k = 0; k < inputs; k++) {
      const from = weights + (<usize>(k * units + j) << 2);
      if (left == 8) {
        v128.store(panels, v128.load(from));
        v128.store(panels, v128.load(from, 16), 16);
      } else {
        for (let i = 0; i < 8; i++) store<f32>(panels + (<usize>i << 2), i < left ? load<f32>(from + (<usize>i << 2)) : 0);
      }
      panels += 32;
    }
  }
}

/** The same of the transposed weights (units x inputs): panels of 8 inputs, ceil(inputs / 8) x units x 8. */
export function packTransposed(weights: usize, inputs: i32, units: i32, panels: usize): void {
  for (let j = 0; j < inputs; j += 8) {
    for (let n = 0; n < units; n++) {
      for (let i = 0; i < 8; i++) {
        store<f32>(panels + (<usize>i << 2), j + i < inputs ? load<f32>(weights + (<usize>((j + i) * units + n) << 2)) : 0);
      }
      panels += 32;
    }
  }
}

/**
 * y = max(x w + bias, floor), rows rounded up to a multiple of 4.
 * @param panels of w, `inputs` deep
 * @param bias of `units` numbers (a few more are read), or 0 for none
 * @param floor 0 for relu, -Infinity for none
 */
export function multiplyPanels(
  x: usize, xStride: i32, panels: usize, inputs: i32, bias: usize, y: usize, yStride: i32, rows: i32, units: i32, floor: f32,
): void {
  const lowest = f32x4.splat(floor);
  const xs = <usize>xStride << 2;
  const ys = <usize>yStride << 2;
  const panelBytes = <usize>inputs << 5;
  for (let j = 0; j < units; j += 8) {
    const b0 = bias ? v128.load(bias + (<usize>j << 2)) : f32x4.splat(0);
    const b1 = bias ? v128.load(bias + (<usize>j << 2), 16) : f32x4.splat(0);
    const end = panels + panelBytes;
    for (let row = 0; row < rows; row += 4) {
      let x0 = x + <usize>row * xs;
      let x1 = x0 + xs;
      let x2 = x1 + xs;
      let x3 = x2 + xs;
      let a0 = b0, a1 = b1, c0 = b0, c1 = b1, d0 = b0, d1 = b1, e0 = b0, e1 = b1;
      for (let p = panels; p < end; p += 32) {
        const w0 = v128.load(p);
        const w1 = v128.load(p, 16);
        let s = v128.load32_splat(x0);
        a0 = f32x4.add(a0, f32x4.mul(s, w0));
        a1 = f32x4.add(a1, f32x4.mul(s, w1));
        s = v128.load32_splat(x1);
        c0 = f32x4.add(c0, f32x4.mul(s, w0));
        c1 = f32x4.add(c1, f32x4.mul(s, w1));
        s = v128.load32_splat(x2);
        d0 = f32x4.add(d0, f32x4.mul(s, w0));
        d1 = f32x4.add(d1, f32x4.mul(s, w1));
        s = v128.load32_splat(x3);
        e0 = f32x4.add(e0, f32x4.mul(s, w0));
        e1 = f32x4.add(e1, f32x4.mul(s, w1));
        x0 += 4;
        x1 += 4;
        x2 += 4;
        x3 += 4;
      }
      // pmax keeps a NaN that is its first argument.
      let to = y + <usize>row * ys + (<usize>j << 2);
      v128.store(to, f32x4.pmax(a0, lowest));
      v128.store(to, f32x4.pmax(a1, lowest), 16);
      to += ys;
      v128.store(to, f32x4.pmax(c0, lowest));
      v128.store(to, f32x4.pmax(c1, lowest), 16);
      to += ys;
      v128.store(to, f32x4.pmax(d0, lowest));
      v128.store(to, f32x4.pmax(d1, lowest), 16);
      to += ys;
      v128.store(to, f32x4.pmax(e0, lowest));
      v128.store(to, f32x4.pmax(e1, lowest), 16);
    }
    panels = end;
  }
}

/**
 * The gradient of the weights: sums[k, n] = sum over rows of x[row, k] dy[row, n].
 * @param sums of as many rows as there are inputs, rounded up to 4, `stride` numbers each (units rounded up to 8)
 */
export function sumOuter(
  x: usize, xStride: i32, dy: usize, dyStride: i32, rows: i32, inputs: i32, units: i32, sums: usize, stride: i32,
): void {
  const xs = <usize>xStride << 2;
  const ds = <usize>dyStride << 2;
  const ss = <usize>stride << 2;
  memory.fill(sums, 0, ss * <usize>((inputs + 3) & ~3));
  for (let first = 0; first < rows; first += ROWS_OF_BLOCK) {
    const last = min(first + ROWS_OF_BLOCK, rows);
    for (let n = 0; n < units; n += 8) {
      const from = dy + <usize>first * ds + (<usize>n << 2);
      const end = dy + <usize>last * ds + (<usize>n << 2);
      for (let k = 0; k < inputs; k += 4) {
        const to = sums + <usize>k * ss + (<usize>n << 2);
        let a0 = v128.load(to), a1 = v128.load(to, 16);
        let c0 = v128.load(to + ss), c1 = v128.load(to + ss, 16);
        let d0 = v128.load(to + 2 * ss), d1 = v128.load(to + 2 * ss, 16);
        let e0 = v128.load(to + 3 * ss), e1 = v128.load(to + 3 * ss, 16);
        let at = x + <usize>first * xs + (<usize>k << 2);
        for (let p = from; p < end; p += ds) {
          const g0 = v128.load(p);
          const g1 = v128.load(p, 16);
          let s = v128.load32_splat(at);
          a0 = f32x4.add(a0, f32x4.mul(s, g0));
          a1 = f32x4.add(a1, f32x4.mul(s, g1));
          s = v128.load32_splat(at, 4);
          c0 = f32x4.add(c0, f32x4.mul(s, g0));
          c1 = f32x4.add(c1, f32x4.mul(s, g1));
          s = v128.load32_splat(at, 8);
          d0 = f32x4.add(d0, f32x4.mul(s, g0));
          d1 = f32x4.add(d1, f32x4.mul(s, g1));
          s = v128.load32_splat(at, 12);
          e0 = f32x4.add(e0, f32x4.mul(s, g0));
          e1 = f32x4.add(e1, f32x4.mul(s, g1));
          at += xs;
        }
        v128.store(to, a0);
        v128.store(to, a1, 16);
        v128.store(to + ss, c0);
        v128.store(to + ss, c1, 16);
        v128.store(to + 2 * ss, d0);
        v128.store(to + 2 * ss, d1, 16);
        v128.store(to + 3 * ss, e0);
        v128.store(to + 3 * ss, e1, 16);
      }
    }
  }
}

/** sums[n] = sum over rows of dy[row, n]; as many sums as units rounded up to 8. */
export function sumRows(dy: usize, dyStride: i32, rows: i32, units: i32, sums: usize): void {
  const ds = <usize>dyStride << 2;
  const end = dy + <usize>rows * ds;
  for (let n: usize = 0; n < <usize>units << 2; n += 32) {
    let a0 = f32x4.splat(0), a1 = f32x4.splat(0);
    for (let p = dy; p < end; p += ds) {
      a0 = f32x4.add(a0, v128.load(p + n));
      a1 = f32x4.add(a1, v128.load(p + n, 16));
    }
    v128.store(sums + n, a0);
    v128.store(sums + n, a1, 16);
  }
}

// Layers of a few units: a panel would be mostly empty. Their weights are transposed: units x inputs, each row `stride` numbers.

/** y = x w + bias, unit by unit a sum of products. */
export function multiplyNarrow(
  x: usize, xStride: i32, weights: usize, stride: i32, inputs: i32, bias: usize, y: usize, yStride: i32, rows: i32, units: i32,
): void {
  const whole = <usize>(inputs & ~7) << 2;
  const all = <usize>inputs << 2;
  for (let n = 0; n < units; n++) {
    const w = weights + (<usize>(n * stride) << 2);
    const b = bias ? load<f32>(bias + (<usize>n << 2)) : 0;
    for (let row = 0; row < rows; row++) {
      const at = x + (<usize>(row * xStride) << 2);
      let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
      let k: usize = 0;
      for (; k < whole; k += 32) {
        s0 = f32x4.add(s0, f32x4.mul(v128.load(at + k), v128.load(w + k)));
        s1 = f32x4.add(s1, f32x4.mul(v128.load(at + k, 16), v128.load(w + k, 16)));
      }
      s0 = f32x4.add(s0, s1);
      let sum = f32x4.extract_lane(s0, 0) + f32x4.extract_lane(s0, 1) + (f32x4.extract_lane(s0, 2) + f32x4.extract_lane(s0, 3));
      for (; k < all; k += 4) sum += load<f32>(at + k) * load<f32>(w + k);
      store<f32>(y + (<usize>(row * yStride + n) << 2), sum + b);
    }
  }
}

/** The gradient of the inputs: dx[row, k] = sum over n of dy[row, n] w[n, k]; writes inputs rounded up to 4. */
export function spreadNarrow(
  dy: usize, dyStride: i32, weights: usize, stride: i32, inputs: i32, dx: usize, dxStride: i32, rows: i32, units: i32,
): void {
  const all = <usize>inputs << 2;
  for (let row = 0; row < rows; row++) {
    const to = dx + (<usize>(row * dxStride) << 2);
    const from = dy + (<usize>(row * dyStride) << 2);
    for (let n = 0; n < units; n++) {
      const g = v128.load32_splat(from + (<usize>n << 2));
      const w = weights + (<usize>(n * stride) << 2);
      if (n == 0) for (let k: usize = 0; k < all; k += 16) v128.store(to + k, f32x4.mul(g, v128.load(w + k)));
      else for (let k: usize = 0; k < all; k += 16) v128.store(to + k, f32x4.add(v128.load(to + k), f32x4.mul(g, v128.load(w + k))));
    }
  }
}

/** The gradient of the weights: sums[n, k] = sum over rows of dy[row, n] x[row, k]; a row of sums is `stride` numbers, a multiple of 8. */
export function sumNarrow(
  x: usize, xStride: i32, dy: usize, dyStride: i32, rows: i32, inputs: i32, units: i32, sums: usize, stride: i32,
): void {
  const xs = <usize>xStride << 2;
  const ds = <usize>dyStride << 2;
  const end = x + <usize>rows * xs;
  for (let n = 0; n < units; n++) {
    for (let k: usize = 0; k < <usize>inputs << 2; k += 32) {
      let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
      let g = dy + (<usize>n << 2);
      for (let p = x + k; p < end + k; p += xs) {
        const s = v128.load32_splat(g);
        s0 = f32x4.add(s0, f32x4.mul(s, v128.load(p)));
        s1 = f32x4.add(s1, f32x4.mul(s, v128.load(p, 16)));
        g += ds;
      }
      const to = sums + (<usize>(n * stride) << 2) + k;
      v128.store(to, s0);
      v128.store(to, s1, 16);
    }
  }
}

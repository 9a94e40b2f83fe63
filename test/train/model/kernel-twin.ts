import type { TrainKernel } from '../../../src/train/kernel/train-memory.js';

/**
 * The kernels of dense layers, batch normalisation, activations and losses as loops that say what they compute, in float64 but for what is stored:
 * same names, same arguments, on the same memory. They write nothing behind the widths.
 */
export function kernelTwin(buffer: ArrayBufferLike): TrainKernel {
  const f = new Float32Array(buffer);
  const d = new Float64Array(buffer);
  const each = (rows: number, columns: number, visit: (row: number, column: number) => void): void => {
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) visit(row, column);
  };
  const sum = (count: number, term: (i: number) => number): number => {
    let total = 0;
    for (let i = 0; i < count; i++) total += term(i);
    return total;
  };
  /** Numbers, by row and column. */
  const matrix = (address: number, stride: number) => {
    const at = (row: number, column: number): number => address / 4 + row * stride + column;
    return {
      get: (row: number, column: number) => f[at(row, column)]!,
      set: (row: number, column: number, value: number) => {
        f[at(row, column)] = value;
      },
    };
  };
  const panel = (address: number, depth: number) => {
    const at = (k: number, n: number): number => address / 4 + ((n >> 3) * depth + k) * 8 + (n & 7);
    return {
      get: (k: number, n: number) => f[at(k, n)]!,
      set: (k: number, n: number, value: number) => {
        f[at(k, n)] = value;
      },
    };
  };
  const inPlace = (change: (y: number) => number) => (y: number, count: number) => {
    for (let i = 0; i < count; i++) f[y / 4 + i] = change(f[y / 4 + i]!);
    return 0;
  };
  const derivative = (slope: (y: number) => number) => (y: number, dy: number, count: number) => {
    for (let i = 0; i < count; i++) f[dy / 4 + i] = f[dy / 4 + i]! * slope(f[y / 4 + i]!);
    return 0;
  };
  const softmaxOf = (values: readonly number[]): number[] => {
    const most = Math.max(...values);
    const exps = values.map((value) => Math.exp(value - most));
    const total = exps.reduce((a, b) => a + b, 0);
    return exps.map((e) => e / total);
  };
  const rowOf = (address: number, stride: number, row: number, width: number): number[] =>
    Array.from({ length: width }, (_, i) => f[address / 4 + row * stride + i]!);

  const twin: Record<string, (...args: number[]) => unknown> = {
    packPanels(weights, inputs, units, panels) {
      const w = matrix(weights!, units!);
      const p = panel(panels!, inputs!);
      each(inputs!, (units! + 7) & ~7, (k, n) => p.set(k, n, n < units! ? w.get(k, n) : 0));
    },
    packTransposed(weights, inputs, units, panels) {
      const w = matrix(weights!, units!);
      const p = panel(panels!, units!);
      each(units!, (inputs! + 7) & ~7, (n, k) => p.set(n, k, k < inputs! ? w.get(k, n) : 0));
    },
    multiplyPanels(xAt, xStride, panels, inputs, bias, yAt, yStride, rows, units, floor) {
      const [x, y, p] = [matrix(xAt!, xStride!), matrix(yAt!, yStride!), panel(panels!, inputs!)];
      each(rows!, units!, (row, n) => {
        const b = bias === 0 ? 0 : f[bias! / 4 + n]!;
        y.set(row, n, Math.max(b + sum(inputs!, (k) => x.get(row, k) * p.get(k, n)), floor!));
      });
    },
    sumOuter(xAt, xStride, dyAt, dyStride, rows, inputs, units, sums, stride) {
      const [x, dy, s] = [matrix(xAt!, xStride!), matrix(dyAt!, dyStride!), matrix(sums!, stride!)];
      each(inputs!, units!, (k, n) =>
        s.set(
          k,
          n,
          sum(rows!, (row) => x.get(row, k) * dy.get(row, n)),
        ),
      );
    },
    sumRows(dyAt, dyStride, rows, units, sums) {
      const dy = matrix(dyAt!, dyStride!);
      each(1, units!, (_, n) =>
        matrix(sums!, 0).set(
          0,
          n,
          sum(rows!, (row) => dy.get(row, n)),
        ),
      );
    },
    multiplyNarrow(xAt, xStride, weights, stride, inputs, bias, yAt, yStride, rows, units) {
      const [x, w, y] = [matrix(xAt!, xStride!), matrix(weights!, stride!), matrix(yAt!, yStride!)];
      each(rows!, units!, (row, n) => {
        const b = bias === 0 ? 0 : f[bias! / 4 + n]!;
        y.set(row, n, b + sum(inputs!, (k) => x.get(row, k) * w.get(n, k)));
      });
    },
    spreadNarrow(dyAt, dyStride, weights, stride, inputs, dxAt, dxStride, rows, units) {
      const [dy, w, dx] = [matrix(dyAt!, dyStride!), matrix(weights!, stride!), matrix(dxAt!, dxStride!)];
      each(rows!, inputs!, (row, k) =>
        dx.set(
          row,
          k,
          sum(units!, (n) => dy.get(row, n) * w.get(n, k)),
        ),
      );
    },
    sumNarrow(xAt, xStride, dyAt, dyStride, rows, inputs, units, sums, stride) {
      const [x, dy, s] = [matrix(xAt!, xStride!), matrix(dyAt!, dyStride!), matrix(sums!, stride!)];
      each(units!, inputs!, (n, k) =>
        s.set(
          n,
          k,
          sum(rows!, (row) => dy.get(row, n) * x.get(row, k)),
        ),
      );
    },
    copyColumns(from, fromStride, to, toStride, rows, columns) {
      const [a, b] = [matrix(from!, fromStride!), matrix(to!, toStride!)];
      each(rows!, columns!, (row, column) => b.set(row, column, a.get(row, column)));
    },
    transpose(from, fromStride, to, toStride, rows, columns) {
      const [a, b] = [matrix(from!, fromStride!), matrix(to!, toStride!)];
      each(rows!, columns!, (row, column) => b.set(column, row, a.get(row, column)));
    },
    multiplyF32(to, a, b, count) {
      for (let i = 0; i < count!; i++) f[to! / 4 + i] = f[a! / 4 + i]! * f[b! / 4 + i]!;
    },
    columnMoments(xAt, stride, rows, width, sums) {
      const x = matrix(xAt!, stride!);
      each(1, width!, (_, c) => {
        d[sums! / 8 + c] = sum(rows!, (row) => x.get(row, c));
        d[sums! / 8 + stride! + c] = sum(rows!, (row) => x.get(row, c) ** 2);
      });
    },
    normalizeColumns(xAt, yAt, stride, rows, width, mean, scale, shift) {
      const [x, y] = [matrix(xAt!, stride!), matrix(yAt!, stride!)];
      each(rows!, width!, (row, c) => {
        y.set(row, c, (x.get(row, c) - f[mean! / 4 + c]!) * f[scale! / 4 + c]! + f[shift! / 4 + c]!);
      });
    },
    columnGradients(xAt, dyAt, stride, rows, width, mean, inverse, sums) {
      const [x, dy] = [matrix(xAt!, stride!), matrix(dyAt!, stride!)];
      const normal = (row: number, c: number): number => (x.get(row, c) - f[mean! / 4 + c]!) * f[inverse! / 4 + c]!;
      each(1, width!, (_, c) => {
        d[sums! / 8 + c] = sum(rows!, (row) => dy.get(row, c));
        d[sums! / 8 + stride! + c] = sum(rows!, (row) => dy.get(row, c) * normal(row, c));
      });
    },
    normalizeGradients(xAt, dyAt, stride, rows, width, mean, inverse, scale, meanGradient, meanProduct) {
      const [x, dy] = [matrix(xAt!, stride!), matrix(dyAt!, stride!)];
      each(rows!, width!, (row, c) => {
        const normal = (x.get(row, c) - f[mean! / 4 + c]!) * f[inverse! / 4 + c]!;
        const rest = dy.get(row, c) - f[meanGradient! / 4 + c]! - normal * f[meanProduct! / 4 + c]!;
        dy.set(row, c, rest * f[scale! / 4 + c]!);
      });
    },
    relu: inPlace((y) => Math.max(y, 0)),
    reluGradient: derivative((y) => (y > 0 ? 1 : 0)),
    sigmoid: inPlace((y) => 1 / (1 + Math.exp(-y))),
    sigmoidGradient: derivative((y) => y * (1 - y)),
    tanh: inPlace(Math.tanh),
    tanhGradient: derivative((y) => 1 - y * y),
    softmax(y, stride, rows, width) {
      for (let row = 0; row < rows!; row++) f.set(softmaxOf(rowOf(y!, stride!, row, width!)), y! / 4 + row * stride!);
    },
    softmaxGradient(y, dy, stride, rows, width) {
      for (let row = 0; row < rows!; row++) {
        const p = rowOf(y!, stride!, row, width!);
        const g = rowOf(dy!, stride!, row, width!);
        const mean = sum(width!, (i) => p[i]! * g[i]!);
        for (let i = 0; i < width!; i++) f[dy! / 4 + row * stride! + i] = p[i]! * (g[i]! - mean);
      }
    },
    binaryCrossentropy(z, dz, stride, labels, weights, rows, width) {
      let total = 0;
      each(rows!, width!, (row, i) => {
        const at = row * stride! + i;
        const p = 1 / (1 + Math.exp(-f[z! / 4 + at]!));
        const label = f[labels! / 4 + row * width! + i]!;
        const weight = f[weights! / 4 + row]! / width!;
        // What does not happen costs nothing, however certain: 0 x -Infinity is NaN.
        total -= weight * ((label && label * Math.log(p)) + (1 - label && (1 - label) * Math.log(1 - p)));
        f[z! / 4 + at] = p;
        f[dz! / 4 + at] = weight * (p - label);
      });
      return total;
    },
    categoricalCrossentropy(z, dz, stride, labels, weights, rows, width, sparse) {
      let total = 0;
      for (let row = 0; row < rows!; row++) {
        const p = softmaxOf(rowOf(z!, stride!, row, width!));
        const weight = f[weights! / 4 + row]!;
        const label = p.map((_, i) => {
          return sparse === 1 ? Number(f[labels! / 4 + row] === i) : f[labels! / 4 + row * width! + i]!;
        });
        const share = label.reduce((a, b) => a + b, 0);
        for (const [i, y] of label.entries()) {
          total -= y === 0 ? 0 : weight * y * Math.log(p[i]!);
          f[z! / 4 + row * stride! + i] = p[i]!;
          f[dz! / 4 + row * stride! + i] = weight * (p[i]! * share - y);
        }
      }
      return total;
    },
    meanError(z, dz, stride, labels, weights, rows, width, absolute) {
      let total = 0;
      each(rows!, width!, (row, i) => {
        const at = row * stride! + i;
        const error = f[z! / 4 + at]! - f[labels! / 4 + row * width! + i]!;
        const weight = f[weights! / 4 + row]! / width!;
        total += weight * (absolute === 1 ? Math.abs(error) : error ** 2);
        f[dz! / 4 + at] = weight * (absolute === 1 ? Math.sign(error) : 2 * error);
      });
      return total;
    },
    regularize(weights, gradients, count, l1, l2) {
      let total = 0;
      for (let i = 0; i < count!; i++) {
        const w = f[weights! / 4 + i]!;
        f[gradients! / 4 + i] = f[gradients! / 4 + i]! + l1! * Math.sign(w) + 2 * l2! * w;
        total += l1! * Math.abs(w) + l2! * w * w;
      }
      return total;
    },
  };
  return twin as TrainKernel;
}

/** Copies `columns` numbers of each row between matrices of other strides, all in numbers; a 1 x n matrix goes as well. */
export function copyColumns(from: usize, fromStride: i32, to: usize, toStride: i32, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    memory.copy(to + (<usize>(row * toStride) << 2), from + (<usize>(row * fromStride) << 2), <usize>columns << 2);
  }
}

/** to[column, row] = from[row, column]. */
export function transpose(from: usize, fromStride: i32, to: usize, toStride: i32, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      store<f32>(to + (<usize>(column * toStride + row) << 2), load<f32>(from + (<usize>(row * fromStride + column) << 2)));
    }
  }
}

/** to[i] = a[i] b[i], `count` numbers, a multiple of 4; `to` may be one of them. */
export function multiplyF32(to: usize, a: usize, b: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count << 2; i += 16) {
    v128.store(to + i, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  }
}

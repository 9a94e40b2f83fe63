export function inferRow(state: usize, cells: usize, cellsEnd: usize, rowStart: usize, quote: u32): void {}

// Lengths of records as an index file has them: what each has above the least one, in 0, 1, 2 or 4 bytes.

/**
 * Expands `count` lengths to u32 at `lengths`, and writes to `starts`, f64, where every `stride`th record begins, `frame` bytes around
 * each payload. The first begins at `offset`. Returns where the last one ends.
 */
export function expandLengths(
  from: usize,
  unit: u32,
  least: u32,
  count: u32,
  lengths: usize,
  starts: usize,
  stride: u32,
  frame: u32,
  offset: f64,
): f64 {
  let left: u32 = 1;
  for (let i: u32 = 0; i < count; i++) {
    if (--left == 0) {
      store<f64>(starts, offset);
      starts += 8;
      left = stride;
    }
    let rest: u32 = 0;
    if (unit == 1) rest = load<u8>(from);
    else if (unit == 2) rest = load<u16>(from);
    else if (unit == 4) rest = load<u32>(from);
    from += unit;
    store<u32>(lengths, least + rest);
    lengths += 4;
    offset += (least as f64) + (rest as f64) + (frame as f64);
  }
  return offset;
}

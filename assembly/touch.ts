// Brings what will be read into a core's cache.

const LINE: usize = 64;
/** What follows, the processor sees coming. */
const MOST: u32 = 1024;

/**
 * Loads from every cache line at the beginning of records that lie far from each other: many such loads are under way at
 * a time, while a decoder waits for each. `addresses` and `lengths` as of decodeExamples with a base of 0. The result
 * only keeps the loads from being left out.
 */
export function touchRecords(addresses: usize, lengths: usize, count: u32): u32 {
  let sum: u32 = 0;
  for (let i: usize = 0; i < count; i++) {
    const p = load<u32>(addresses + (i << 2)) as usize;
    const end = p + (min(load<u32>(lengths + (i << 2)), MOST) as usize);
    for (let line = p & ~(LINE - 1); line < end; line += LINE) sum += load<u8>(line);
  }
  return sum;
}

// Where the records of a batch lie, which a stage's rows name by their indexes among its records.

/**
 * Copies the places of records' payloads: addresses to `out`, lengths behind all of them. Returns how many of them do not lie
 * behind the one before, `frame` bytes between the payloads.
 */
export function placeRows(
  indexes: usize,
  count: u32,
  addresses: usize,
  lengths: usize,
  out: usize,
  frame: u32,
): u32 {
  const outLengths = out + ((count as usize) << 2);
  let jumps: u32 = 0;
  let next: u32 = 0;
  for (let i: usize = 0; i < (count as usize) << 2; i += 4) {
    const index = (load<u32>(indexes + i) as usize) << 2;
    const address = load<u32>(addresses + index);
    const length = load<u32>(lengths + index);
    store<u32>(out + i, address);
    store<u32>(outLengths + i, length);
    jumps += (address != next) as u32;
    next = address + length + frame;
  }
  return jumps;
}

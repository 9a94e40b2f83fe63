// Two sorts.
//
// `sort256` sorts up to 256 u32 keys without a branch that depends on them: a bitonic network on 64 vectors of 4 lanes, each lane
// a column of its own, which are then merged across lanes (K. E. Batcher, "Sorting networks and their applications", 1968).
// Rank r of the result lies in lane r / height at vector r % height: `sortedAt` finds it.

/** How many vectors hold n keys: a power of two of at least 4. */
export function sortHeight(n: u32): u32 {
  return n <= 16 ? 4 : n <= 32 ? 8 : n <= 64 ? 16 : n <= 128 ? 32 : 64;
}

/** Where rank r of keys sorted by `sort256` lies. */
// @ts-ignore: decorator
@inline
export function sortedAt(keys: usize, rank: u32, height: u32): usize {
  return keys + (((rank & (height - 1)) as usize) << 4) + (((rank / height) as usize) << 2);
}

/** Sorts n <= 256 unsigned keys; the room behind them up to 16 bytes x sortHeight(n) is overwritten. */
export function sort256(keys: usize, n: u32): void {
  const height = sortHeight(n);
  const bytes = (height as usize) << 4;
  for (let i = n; i < height << 2; i++) store<u32>(keys + ((i as usize) << 2), 0xffffffff);
  // Each lane for itself: runs of `run` vectors are merged with their neighbours, which are read backwards.
  for (let run: usize = 16; run < bytes; run <<= 1) {
    for (let base = keys; base < keys + bytes; base += run << 1) {
      let low = base;
      let high = base + (run << 1) - 16;
      while (low < high) {
        order(low, high);
        low += 16;
        high -= 16;
      }
    }
    halve(keys, bytes, run >> 1);
  }
  // Lanes 0 with 1 and 2 with 3, the second one backwards.
  let low = keys;
  let high = keys + bytes - 16;
  while (low < high) {
    const a = v128.load(low);
    const b = v128.shuffle<u32>(v128.load(high), v128.load(high), 1, 0, 3, 2);
    const lesser = v128.min<u32>(a, b);
    const greater = v128.max<u32>(a, b);
    v128.store(low, v128.shuffle<u32>(lesser, greater, 0, 4, 2, 6));
    v128.store(high, v128.shuffle<u32>(lesser, greater, 1, 5, 3, 7));
    low += 16;
    high -= 16;
  }
  halve(keys, bytes, bytes >> 1);
  // Lanes 0 and 1 with 2 and 3, backwards.
  low = keys;
  high = keys + bytes - 16;
  while (low < high) {
    const a = v128.load(low);
    const b = v128.shuffle<u32>(v128.load(high), v128.load(high), 3, 2, 1, 0);
    const lesser = v128.min<u32>(a, b);
    const greater = v128.max<u32>(a, b);
    v128.store(low, v128.shuffle<u32>(lesser, greater, 0, 1, 4, 5));
    v128.store(high, v128.shuffle<u32>(lesser, greater, 3, 2, 7, 6));
    low += 16;
    high -= 16;
  }
  for (let p = keys; p < keys + bytes; p += 16) {
    const a = v128.load(p);
    const b = v128.shuffle<u32>(a, a, 1, 0, 3, 2);
    const lesser = v128.min<u32>(a, b);
    const greater = v128.max<u32>(a, b);
    v128.store(p, v128.shuffle<u32>(lesser, greater, 0, 4, 2, 6));
  }
  halve(keys, bytes, bytes >> 1);
}

/** Puts the lesser of two vectors first, lane by lane. */
// @ts-ignore: decorator
@inline
function order(low: usize, high: usize): void {
  const a = v128.load(low);
  const b = v128.load(high);
  v128.store(low, v128.min<u32>(a, b));
  v128.store(high, v128.max<u32>(a, b));
}

/** Sorts bitonic runs of 2 x distance bytes, each lane for itself. */
function halve(keys: usize, bytes: usize, distance: usize): void {
  const end = keys + bytes;
  // Two steps at a time: the four vectors stay in registers.
  while (distance >= 32) {
    const half = distance >> 1;
    for (let base = keys; base < end; base += distance << 1) {
      for (let p = base; p < base + half; p += 16) {
        const a = v128.load(p);
        const b = v128.load(p + half);
        const c = v128.load(p + distance);
        const d = v128.load(p + distance + half);
        const ac = v128.min<u32>(a, c);
        const ca = v128.max<u32>(a, c);
        const bd = v128.min<u32>(b, d);
        const db = v128.max<u32>(b, d);
        v128.store(p, v128.min<u32>(ac, bd));
        v128.store(p + half, v128.max<u32>(ac, bd));
        v128.store(p + distance, v128.min<u32>(ca, db));
        v128.store(p + distance + half, v128.max<u32>(ca, db));
      }
    }
    distance >>= 2;
  }
  if (distance == 16) {
    for (let p = keys; p < end; p += 32) order(p, p + 16);
  }
}

/**
 * Sorts n unsigned keys of 8 bytes byte by byte, leaving out bytes that are the same in all. `spare` has room for as many, `histogram`
 * 8 KiB. Gives the address of the sorted keys: `keys` or `spare`.
 */
export function sortU64(keys: usize, spare: usize, histogram: usize, n: u32): usize {
  memory.fill(histogram, 0, 8192);
  const bytes = (n as usize) << 3;
  for (let p = keys; p < keys + bytes; p += 8) {
    let rest = load<u64>(p);
    for (let bins = histogram; bins < histogram + 8192; bins += 1024) {
      const bin = bins + (((rest as usize) & 255) << 2);
      store<u32>(bin, load<u32>(bin) + 1);
      rest >>= 8;
    }
  }
  let from = keys;
  let to = spare;
  for (let shift: u64 = 0; shift < 64; shift += 8) {
    const bins = histogram + ((shift as usize) << 7);
    if (load<u32>(bins + ((((load<u64>(from) >> shift) as usize) & 255) << 2)) == n) continue;
    let total: u32 = 0;
    for (let bin = bins; bin < bins + 1024; bin += 4) {
      const here = load<u32>(bin);
      store<u32>(bin, total);
      total += here;
    }
    for (let p = from; p < from + bytes; p += 8) {
      const key = load<u64>(p);
      const bin = bins + ((((key >> shift) as usize) & 255) << 2);
      const at = load<u32>(bin);
      store<u32>(bin, at + 1);
      store<u64>(to + ((at as usize) << 3), key);
    }
    const swap = from;
    from = to;
    to = swap;
  }
  return from;
}

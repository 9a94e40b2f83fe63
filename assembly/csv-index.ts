// The structural scan: 64 bytes at a time it finds the quotes, and the delimiters and newlines outside quotes, and writes
// their addresses to an index. Bit masks and a prefix XOR of the quotes tell what is inside (csv-scan.ts).
import { prefixXor } from './csv-scan';
import { P_DELIMITER, P_END, P_INDEX, P_LAST, P_NEXT, P_PARITY, P_QUOTE, P_SCAN } from './csv-state';

const INDEX_BLOCK: u32 = 16384;

/** Scans on until the index holds a position. A last one stands at the end of the text. */
export function indexMore(state: usize): void {
  const end = load<u32>(state, P_END) as usize;
  const quoteByte = load<u32>(state, P_QUOTE);
  const quote = i8x16.splat(quoteByte as i8);
  const quotes: u64 = quoteByte < 256 ? -1 : 0;
  const delimiter = i8x16.splat(load<u32>(state, P_DELIMITER) as i8);
  const newline = i8x16.splat(10);
  const index = load<u32>(state, P_INDEX) as usize;
  let p = load<u32>(state, P_SCAN) as usize;
  let inside: u64 = load<u32>(state, P_PARITY) ? -1 : 0;
  let out = index;
  while (out == index && p < end) {
    const stop = min(p + INDEX_BLOCK, end);
    while (p < stop) {
      const a = v128.load(p);
      const b = v128.load(p, 16);
      const c = v128.load(p, 32);
      const d = v128.load(p, 48);
      let m =
        (i8x16.bitmask(v128.or(i8x16.eq(a, delimiter), i8x16.eq(a, newline))) as u64) |
        ((i8x16.bitmask(v128.or(i8x16.eq(b, delimiter), i8x16.eq(b, newline))) as u64) << 16) |
        ((i8x16.bitmask(v128.or(i8x16.eq(c, delimiter), i8x16.eq(c, newline))) as u64) << 32) |
        ((i8x16.bitmask(v128.or(i8x16.eq(d, delimiter), i8x16.eq(d, newline))) as u64) << 48);
      const qa = i8x16.eq(a, quote);
      const qb = i8x16.eq(b, quote);
      const qc = i8x16.eq(c, quote);
      const qd = i8x16.eq(d, quote);
      if (v128.any_true(v128.or(v128.or(qa, qb), v128.or(qc, qd)))) {
        const q =
          ((i8x16.bitmask(qa) as u64) |
            ((i8x16.bitmask(qb) as u64) << 16) |
            ((i8x16.bitmask(qc) as u64) << 32) |
            ((i8x16.bitmask(qd) as u64) << 48)) &
          quotes;
        inside ^= prefixXor(q);
        m = (m & ~inside) | q;
        inside = ((inside as i64) >> 63) as u64;
      } else m &= ~inside;
      if (end - p < 64) m &= ((1 as u64) << ((end - p) as u64)) - 1;
      const count = popcnt(m) as u32;
      let o = out;
      out += count << 2;
      // eight at a time: what is written too much is overwritten by the next
      while (o < out) {
        store<u32>(o, (p + (ctz(m) as usize)) as u32);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 4);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 8);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 12);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 16);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 20);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 24);
        m &= m - 1;
        store<u32>(o, (p + (ctz(m) as usize)) as u32, 28);
        m &= m - 1;
        o += 32;
      }
      p += 64;
    }
  }
  if (p >= end) {
    p = end;
    store<u32>(out, end as u32);
    out += 4;
  }
  store<u32>(state, p as u32, P_SCAN);
  store<u32>(state, inside ? 1 : 0, P_PARITY);
  store<u32>(state, index as u32, P_NEXT);
  store<u32>(state, out as u32, P_LAST);
}

/** The next position of the index. */
export function nextPosition(state: usize): usize {
  if (load<u32>(state, P_NEXT) == load<u32>(state, P_LAST)) indexMore(state);
  const next = load<u32>(state, P_NEXT);
  store<u32>(state, next + 4, P_NEXT);
  return load<u32>(next);
}

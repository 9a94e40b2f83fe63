// CRC32C (Castagnoli) by slicing-by-8; tables at address 0: 8 * 256 * 4 bytes.
// The first 64 KiB of memory belong to the module's tables; TypeScript allocates above the data segment (heapBase).
/** Castagnoli's, bits reversed. */
const POLYNOMIAL: u32 = 0x82f63b78;

export function crc32cInit(): void {
  for (let i = 0; i < 256; i++) {
    let c: u32 = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
    store<u32>(i << 2, c);
  }
  for (let k = 1; k < 8; k++) {
    for (let i = 0; i < 256; i++) {
      const p = load<u32>(((k - 1) << 10) + (i << 2));
      store<u32>((k << 10) + (i << 2), (p >>> 8) ^ load<u32>((p & 255) << 2));
    }
  }
}

/** One step over 8 bytes. */
// @ts-ignore: decorator
@inline
export function crc32cStep8(c: u32, p: usize): u32 {
  const a: u64 = load<u64>(p) ^ (c as u64);
  const lo = a as u32;
  const hi = (a >>> 32) as u32;
  return (
    load<u32>((lo & 255) << 2, 7168) ^
    load<u32>(((lo >>> 8) & 255) << 2, 6144) ^
    load<u32>(((lo >>> 16) & 255) << 2, 5120) ^
    load<u32>((lo >>> 24) << 2, 4096) ^
    load<u32>((hi & 255) << 2, 3072) ^
    load<u32>(((hi >>> 8) & 255) << 2, 2048) ^
    load<u32>(((hi >>> 16) & 255) << 2, 1024) ^
    load<u32>((hi >>> 24) << 2)
  );
}

// @ts-ignore: decorator
@inline
export function crc32cStep1(c: u32, p: usize): u32 {
  return load<u32>(((c ^ load<u8>(p)) & 255) << 2) ^ (c >>> 8);
}

// @ts-ignore: decorator
@inline
export function maskCrc(c: u32): u32 {
  return ((c >>> 15) | (c << 17)) + 0xa282ead8;
}

/** Continues a CRC32C: pass 0 at the start and the last result after that. */
export function crc32c(p: usize, n: u32, seed: u32): u32 {
  let c: u32 = ~seed;
  while (n >= 8) {
    c = crc32cStep8(c, p);
    p += 8;
    n -= 8;
  }
  while (n--) c = crc32cStep1(c, p++);
  return ~c;
}

export function heapBase(): usize {
  return __heap_base;
}

/**
 * Frees a large block that was never touched. glibc takes that for the size of blocks to expect: it then keeps freed memory
 * of up to twice as much for the next batches, where it would have the system take each back, and zero it anew.
 */
export function expectLargeBlocks(): void {
  Buffer.allocUnsafeSlow(31 << 20);
}

/** Memory that is overwritten at once need not be zeroed. */
export function allocateUnzeroed(bytes: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer;
}

import { createRequire } from 'node:module';

/**
 * CRC32C in native code, for long inputs, where the optional package `@node-rs/crc32` is installed and gives what it should.
 * Loaded when called, since most workers do not want it.
 */
export function nativeCrc32c(): ((bytes: Uint8Array) => number) | undefined {
  try {
    const { crc32c } = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c(bytes: Uint8Array): number };
    return crc32c(new TextEncoder().encode('123456789')) === 0xe3069283 ? (bytes) => crc32c(bytes) : undefined;
  } catch {
    return undefined;
  }
}

import { createHash } from 'node:crypto';
import { compareBytes } from '../files/index.js';

/** What of a part enters the fingerprint. */
export interface FingerprintPart {
  /** Relative to the dataset's folder, `/`-separated. */
  readonly path: string;
  readonly records: number;
  /** See `PartDigest`. */
  readonly digest: string;
}

/**
 * The fingerprint of a dataset: SHA-256, in hexadecimal, over its parts in the order of the UTF-8 bytes of their paths; of
 * each the length of the path (u32), the path, the number of records (u64) and the 32 bytes of the digest, little endian. The
 * parts may come in any order. A copy elsewhere has the same one; a subset has its own.
 */
export function fingerprintOf(parts: Iterable<FingerprintPart>): string {
  const hash = createHash('sha256');
  for (const { path, records, digest } of [...parts].sort((a, b) => compareBytes(a.path, b.path))) {
    const name = Buffer.byteLength(path);
    const part = Buffer.alloc(4 + name + 8 + 32);
    part.writeUInt32LE(name);
    part.write(path, 4);
    part.writeBigUInt64LE(BigInt(records), 4 + name);
    part.write(digest, 12 + name, 'hex');
    hash.update(part);
  }
  return hash.digest('hex');
}

import { createHash, type Hash } from 'node:crypto';

/**
 * The digest of a part file's records: SHA-256 over (length, unmasked payload CRC32C) of each record, both u32 little
 * endian. It says which records there are and in what order, whatever the compression.
 */
export class PartDigest {
  readonly #hash: Hash = createHash('sha256');
  #records = 0;

  /** Records taken in. */
  get records(): number {
    return this.#records;
  }

  /** Takes in pairs of length and CRC, as encoders give them. */
  update(meta: Uint32Array): void {
    this.#hash.update(new Uint8Array(meta.buffer, meta.byteOffset, meta.byteLength));
    this.#records += meta.length / 2;
  }

  /** Takes in the records of a block. */
  updateBlock({ count, lengths, crcs }: { count: number; lengths: Uint32Array; crcs?: Uint32Array }): void {
    if (crcs === undefined) throw new RangeError('a block without CRCs has no digest: read it with checkCrc');
    const meta = new Uint32Array(2 * count);
    for (let i = 0; i < count; i++) {
      meta[2 * i] = lengths[i]!;
      meta[2 * i + 1] = crcs[i]!;
    }
    this.update(meta);
  }

  /** The digest in hexadecimal. Nothing can be taken in afterwards. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}

/**
 * Stands in a byte stream for a part that could not be had, such as a damaged gzip member. What follows it begins
 * at a record if `atRecord`; otherwise the reader has to look for one.
 */
export interface Gap {
  readonly reason: string;
  /** Where the damage lies in the stored file, in bytes: [start, end). */
  readonly storedStart: number;
  readonly storedEnd: number;
  /** Bytes lost of the uncompressed stream, where an index knows. */
  readonly lostBytes?: number;
  readonly atRecord: boolean;
}

/** Uncompressed bytes of one file from its start, in chunks of any size, with gaps where bytes are lost. */
export type ByteSource = AsyncIterable<Uint8Array | Gap>;

/** Uncompressed bytes of one file from its start, read straight to where they are worked on. */
export interface DirectSource {
  /** Puts the next bytes into `into`, at least one; resolves to their number, 0 at the end. One call at a time. */
  readInto(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

export function isGap(item: Uint8Array | Gap): item is Gap {
  return !(item instanceof Uint8Array);
}

/** Where a gzip member begins: a place from which a compressed file can be read without what lies before. */
export interface Member {
  /** Byte of the stored file. */
  readonly stored: number;
  /** Byte of the uncompressed file; a record begins there. */
  readonly offset: number;
}

/** The members of a gzip file that was cut at record boundaries, in order; the first is at 0, 0. */
export interface MemberTable {
  readonly members: readonly Member[];
  /** Bytes of the stored file. */
  readonly storedBytes: number;
  /** Bytes of the uncompressed file. */
  readonly bytes: number;
}
